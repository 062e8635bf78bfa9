"""MPyC's parties: processes of their own, on the loopback, kept from one run to the next."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.check import WrongResult
from benchmarks.workloads import Workload
from enigmalang.node.layout import alike


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one run at the slowest party, and the largest resident size in bytes of any since it started."""

    inputs: float
    computing: float
    peak: int

    @property
    def whole(self) -> float:
        return self.inputs + self.computing


#: What MPyC is given beyond the addresses of its parties; all else is its default.
OPTIONS = ("--no-log",)
#: How it runs, for the record.
ABOUT = {
    "options": list(OPTIONS), "threshold": "(n - 1) / 2, its default", "links": "in the clear, its default",
    "loop": "uvloop, which it takes where it is installed", "integers": "gmpy2", "numbers": "arrays (np_*)",
}


class Parties:
    """`n` parties. A context manager. MPyC's own TLS is off unless asked for, and stays off: its links are in the
    clear, ours are not."""

    def __init__(self, n: int) -> None:
        self.n = n
        ports = _free_ports(n)
        addresses = [word for port in ports for word in ("-P", f"localhost:{port}")]
        with alike(n):  # as our nodes are
            self._parties = [
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.mpyc_party", *addresses, "-I", str(i), *OPTIONS],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                    cwd=Path(__file__).parent.parent,
                    env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                )
                for i in range(n)
            ]

    def __enter__(self) -> "Parties":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for party in self._parties:
            if error is not None:
                party.kill()
            elif party.stdin is not None:
                party.stdin.close()
        for party in self._parties:
            party.wait()
            if party.stdout is not None:
                party.stdout.close()

    def run(self, workload: Workload, size: int, seed: int = 1) -> Took:
        """Run the workload. Raises WrongResult, and OSError when a party ends."""
        request = json.dumps({"workload": workload.name, "size": size, "seed": seed})
        for party in self._parties:
            assert party.stdin is not None
            party.stdin.write(request + "\n")
        replies = []
        for party in self._parties:
            assert party.stdout is not None
            line = party.stdout.readline()
            if not line:
                raise OSError(f"a party of MPyC ended in {workload.name}")
            replies.append(json.loads(line))
        for reply in replies:
            if reply["wrong"]:
                raise WrongResult(f"MPyC: {reply['wrong']}")
        return Took(*(max(reply[name] for reply in replies) for name in ("inputs", "computing", "peak")))


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
