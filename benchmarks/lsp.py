"""How long the editor's server takes in a file of 2,000 lines: `python -m benchmarks lsp`.

The seconds are the server's processor time, so that other work on the machine does not count; `wall` beside it is what
an editor would have waited here. Each change adds a line inside one function or takes it away again.
A hover is asked for twice: when all is compiled, and straight after a change, before its diagnostics are told.
The first requests come a moment after opening, as a person's do.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from enigmalang.cli.columns import columns, told_seconds

#: Seconds in which each answer has to be there.
LIMIT = 0.1
#: Seconds between opening and the first requests.
IDLE = 2.0
#: Seconds in which the server says something, or is given up.
DEADLINE = 120.0
#: Functions of nine lines: 2,000 lines.
FUNCTIONS = 222
_FUNCTION = """def step{n}(private a: uint32, b: list[uint32, 10]) -> private uint32:
    total = a
    for x in b:
        if x > {n}:
            total = wrap(total + x)
        else:
            total = wrap(total - 1)
    return total

"""


@dataclass(slots=True)
class Answered:
    """One kind of request: processor and wall seconds of each."""

    name: str
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


def measure_lsp(functions: int | None = None, changes: int = 10) -> list[Answered]:
    """Opening, then `changes` changes, each with its diagnostics and a round of requests. Raises EOFError when the
    server ends, or says nothing for DEADLINE seconds."""
    functions = functions or FUNCTIONS
    text = "".join(_FUNCTION.format(n=n) for n in range(functions))
    middle = text.count("\n", 0, text.index(f"def step{functions // 2}(")) + 1
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
        [str(Path(sys.executable).with_name("enig")), "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=folder,
    ) as process:
        editor = _Editor(process, Path(folder, "big.enig").as_uri())
        editor.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        editor.tell("initialized", {})
        editor.timed("open, diagnostics", lambda: editor.open(text))
        editor.ask("textDocument/references", editor.references(middle))
        time.sleep(IDLE)
        editor.round(middle)
        for number in range(changes):
            start = {"line": middle, "character": 4}
            end = start if number % 2 == 0 else {"line": middle + 1, "character": 4}
            line = f"c = a + {number}\n    " if number % 2 == 0 else ""
            editor.timed("change, diagnostics", partial(editor.change, start, end, line))
            editor.round(middle)
        for number in range(changes):
            end = {"line": middle, "character": 4 + number}
            editor.send_change(end, end, "x")
            editor.timed("hover after a change", partial(editor.hover, middle))
            editor.told()
        editor.ask("shutdown", None)
        editor.tell("exit", None)
    return list(editor.answered.values())


class _Editor:
    def __init__(self, process: "subprocess.Popen[bytes]", uri: str) -> None:
        self.process, self.uri = process, uri
        self.answered: dict[str, Answered] = {}
        self.number = self.version = 0
        self.diagnosed: int | None = 0  # the version that the newest diagnostics are of

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, **({} if params is None else {"params": params})})

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            message = self.read()
            if message.get("method") == "textDocument/publishDiagnostics":
                self.diagnosed = message["params"].get("version")
            if wanted(message):
                return

    def read(self) -> dict[str, Any]:
        """The next message. Raises EOFError."""
        assert self.process.stdout is not None
        late = threading.Timer(DEADLINE, self.process.kill)  # its stdout ends then
        late.start()
        try:
            length = 0
            while line := self.process.stdout.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.process.stdout.read(length)
        finally:
            late.cancel()
        if not body:
            raise EOFError(f"the server has gone, or said nothing for {DEADLINE:.0f} seconds")
        return json.loads(body)  # type: ignore[no-any-return]

    def ask(self, method: str, params: Any) -> None:
        self.number += 1
        self.send({"id": self.number, "method": method, **({} if params is None else {"params": params})})
        self.until(lambda message: message.get("id") == self.number and "method" not in message)

    def timed(self, name: str, work: Callable[[], None]) -> None:
        cpu, wall = self._used(), time.perf_counter()
        work()
        found = self.answered.setdefault(name, Answered(name))
        found.wall.append(time.perf_counter() - wall)
        found.cpu.append(self._used() - cpu)

    def _used(self) -> float:
        """Processor seconds of the server so far (Linux counts hundredths)."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def told(self) -> None:
        """Wait for the diagnostics of the newest version, which may have come before an answer that was waited for."""
        if self.diagnosed != self.version:
            self.until(lambda message: self.diagnosed == self.version)

    def open(self, text: str) -> None:
        self.version = 1
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": self.uri, "languageId": "enigma", "version": 1, "text": text}})
        self.told()

    def change(self, start: dict[str, int], end: dict[str, int], text: str) -> None:
        self.send_change(start, end, text)
        self.told()

    def send_change(self, start: dict[str, int], end: dict[str, int], text: str) -> None:
        self.version += 1
        self.tell("textDocument/didChange", {"textDocument": {"uri": self.uri, "version": self.version},
                                             "contentChanges": [{"range": {"start": start, "end": end}, "text": text}]})

    def hover(self, line: int) -> None:
        self.ask("textDocument/hover", {
            "textDocument": {"uri": self.uri}, "position": {"line": line + 1, "character": 9}})

    def references(self, line: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": 5},
                "context": {"includeDeclaration": True}}

    def round(self, line: int) -> None:
        """One request of each kind; the first waits until the tables are there, and is not counted."""
        document = {"textDocument": {"uri": self.uri}}
        place = {**document, "position": {"line": line, "character": 5}}
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": line + 100, "character": 0}}
        self.ask("textDocument/references", self.references(line))
        for name, extra in (
            ("hover", place), ("completion", place), ("definition", place), ("documentHighlight", place),
            ("references", self.references(line)),
            ("documentSymbol", document), ("inlayHint", {**document, "range": whole}),
            ("codeAction", {**document, "range": whole, "context": {"diagnostics": []}}),
            ("formatting", {**document, "options": {"tabSize": 4, "insertSpaces": True}}),
        ):
            self.timed(name, partial(self.ask, f"textDocument/{name}", extra))


def lsp_table(found: list[Answered], functions: int | None = None) -> str:
    """A line each, and whether every answer but the first diagnostics came in time."""
    lines = [(a.name, str(len(a.cpu)), told_seconds(median(a.cpu)), told_seconds(max(a.cpu)),
              told_seconds(median(a.wall))) for a in found]
    mark = "✓" if all(max(a.cpu) < LIMIT for a in found[1:]) else "✗"
    rows = (functions or FUNCTIONS) * _FUNCTION.count("\n")
    head = (f"enig lsp, {rows:,} lines", "times", "median", "longest", "wall")
    return columns(head, lines) + f"all but opening in less than {told_seconds(LIMIT)}: {mark}\n"
