"""anvil, a real node for development, as a process of ours over a Unix socket.

The program comes from npm's package @foundry-rs/anvil-linux-amd64; it is looked for in $ENIGMALANG_ANVIL, in our cache
folder (`cache_folder`), and on the PATH. Blocks, fees and times are those of the embedded chain: one transaction a
block, no base fee, the same chain id, the same faucet.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from enigmalang.chain.embedded import FAUCET_WEI, faucet_key
from enigmalang.chain.errors import ChainUnreachable
from enigmalang.chain.evm import quantity
from enigmalang.chain.memory import CHAIN_ID, GENESIS_TIME
from enigmalang.chain.pyevm import BLOCK_GAS
from enigmalang.chain.rpc import RpcEvm

VARIABLE = "ENIGMALANG_ANVIL"
PACKAGE = "@foundry-rs/anvil-linux-amd64"
#: How long a fresh node may take until it answers, and how long one that was asked to end.
START_SECONDS, END_SECONDS = 20.0, 10.0
#: A shell that runs anvil for as long as somebody holds the other end of its standard input: however we end, by
#: leaving the `with` or by being killed, it ends too.
_KEEPER = """
exec 3<&0
"$@" </dev/null &
child=$!
{ read -r _ <&3; kill "$child"; } &
reader=$!
wait "$child"
status=$?
kill "$reader" 2>/dev/null
exit "$status"
"""


def cache_folder() -> Path:
    """Where npm's package is put: `npm install --prefix FOLDER @foundry-rs/anvil-linux-amd64`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "enigmalang", "anvil")


def find_anvil() -> Path | None:
    """The anvil program, None where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named) if os.access(named, os.X_OK) else None
    cached = cache_folder() / "node_modules" / PACKAGE / "bin" / "anvil"
    if os.access(cached, os.X_OK):
        return cached
    found = shutil.which("anvil")
    return Path(found) if found else None


def missing() -> str:
    """Why there is no anvil, and how to get one."""
    named = os.environ.get(VARIABLE)
    if named:
        return f"${VARIABLE} names {named}, which is no program"
    return f"anvil is not installed: npm install --prefix {cache_folder()} {PACKAGE}"


class Anvil:
    """A running anvil, from `with` to the end of it.

    `socket`: the path of its Unix socket, while it runs. `state`: a file in which the chain is kept between runs.
    `port`: also serve HTTP and WebSocket there (`url`), on this machine only. `block_seconds`: mine so often, not at
    each transaction. `base_fee`: wei for a unit of gas in the first block; zero stays zero.
    """

    def __init__(
        self, state: Path | None = None, port: int | None = None, block_seconds: int | None = None,
        base_fee: int = 0, hardfork: str = "prague",
    ) -> None:
        self.port = port
        self.socket = ""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._options = ["--hardfork", hardfork, "--base-fee", str(base_fee)]
        if base_fee == 0:
            self._options += ["--gas-price", "0", "--disable-min-priority-fee"]
        if state is not None:
            self._options += ["--state", str(state)]
        if block_seconds is not None:
            self._options += ["--block-time", str(block_seconds)]
        self._tick = block_seconds is None  # else the clock's time is the chain's
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> RpcEvm:
        """A new connection to it."""
        return RpcEvm(self.socket)

    def __enter__(self) -> "Anvil":
        program = find_anvil()
        if program is None:
            raise ChainUnreachable("a node of its own", missing(), "The embedded chain needs none of it.")
        self._folder = tempfile.TemporaryDirectory(prefix="enigmalang-anvil-")  # closed to others
        self.socket = str(Path(self._folder.name, "anvil.ipc"))
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "anvil", str(program), *self._arguments()],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
                start_new_session=True,  # the interrupt key ends us, and we end it, in this order
            )
        try:
            self._await()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _arguments(self) -> list[str]:
        # Port 0: the system picks one that is free, where nobody was promised one.
        return [
            "--ipc", self.socket, "--host", "127.0.0.1", "--port", str(self.port or 0), "--silent", "--accounts", "1",
            "--chain-id", str(CHAIN_ID), "--timestamp", str(GENESIS_TIME - 1), "--gas-limit", str(BLOCK_GAS),
            *self._options,
        ]

    def _await(self) -> None:
        """Until it answers; then the faucet has its money."""
        deadline, pause = monotonic() + START_SECONDS, 0.005
        while True:
            try:
                with RpcEvm(self.socket) as evm:
                    if evm.request("eth_getBalance", (faucet_key().address, "latest")) == "0x0":
                        evm.request("anvil_setBalance", (faucet_key().address, quantity(FAUCET_WEI)))
                    if self._tick:
                        evm.request("anvil_setBlockTimestampInterval", (1,))
                return
            except ChainUnreachable:
                if self._process is None or self._process.poll() is not None or monotonic() > deadline:
                    raise ChainUnreachable(self.socket, self._said(), "See what it says above.") from None
            sleep(pause)
            pause = min(2 * pause, 0.1)

    def _log(self) -> Path:
        return Path(self.socket).with_name("log")

    def _said(self) -> str:
        text = self._log().read_text(errors="replace").strip()
        return f"anvil did not start ({text[-500:]})" if text else "anvil did not start"

    def _end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)  # the shell and what it runs
                self._process.wait()
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
