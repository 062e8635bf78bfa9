"""A client of the language server, over the stdin and stdout of the real `enig lsp`."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any


class Failed(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Session:
    """One editor. `root` is its folder."""

    def __init__(self, root: Path, encodings: list[str] | None = None) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("enig")), "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=root)
        self.number = 0
        self.notes: list[dict[str, Any]] = []
        self.versions: dict[str, int] = {}
        general = {} if encodings is None else {"general": {"positionEncodings": encodings}}
        self.capabilities = self.ask("initialize", {
            "processId": None, "rootUri": root.as_uri(), "capabilities": general})["capabilities"]
        self.tell("initialized", {})

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.process.kill()
        else:
            self.ask("shutdown", None)
            self.tell("exit", None)
            assert self.process.wait(30) == 0
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait(30)

    # ---- messages

    def write(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            assert self.process.stderr is not None
            raise AssertionError(f"the server has gone: {self.process.stderr.read().decode()}")
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        return message

    def tell(self, method: str, params: Any) -> None:
        self.send({"method": method, "params": params} if params is not None else {"method": method})

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request. Raises Failed."""
        self.number += 1
        self.send({"id": self.number, "method": method, **({} if params is None else {"params": params})})
        return self.answer(self.number)

    def answer(self, number: int) -> Any:
        while True:
            message = self.read()
            if message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise Failed(message["error"]["code"], message["error"]["message"])
                return message.get("result")
            self.notes.append(message)

    # ---- documents

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a document; its diagnostics."""
        self.versions[name] = 1
        self.tell("textDocument/didOpen", {"textDocument": {
            "uri": self.uri(name), "languageId": "enigma", "version": 1, "text": text}})
        return self.diagnostics(name)

    def change(self, name: str, *changes: dict[str, Any]) -> None:
        self.versions[name] += 1
        self.tell("textDocument/didChange", {
            "textDocument": {"uri": self.uri(name), "version": self.versions[name]}, "contentChanges": list(changes)})

    def replace(self, name: str, text: str) -> list[dict[str, Any]]:
        """Put another text in the place of the whole document; its diagnostics."""
        self.change(name, {"text": text})
        return self.diagnostics(name)

    def close(self, name: str) -> None:
        self.tell("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def diagnostics(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """Those published for the document's newest version (or `version`), once they come."""
        wanted = version if version is not None else self.versions[name]

        def published(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == self.uri(name) \
                and params.get("version") == wanted

        return self.until(published)["params"]["diagnostics"]  # type: ignore[no-any-return]

    def until(self, wanted: Any) -> dict[str, Any]:
        """The next message from the server for which `wanted` holds; the ones before it are gone."""
        while True:
            message = self.notes.pop(0) if self.notes else self.read()
            if wanted(message):
                return message

    # ---- questions

    def at(self, name: str, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}}

    def hover(self, name: str, line: int, character: int) -> str:
        found = self.ask("textDocument/hover", self.at(name, line, character))
        return "" if found is None else str(found["contents"]["value"])

    def complete(self, name: str, line: int, character: int) -> dict[str, dict[str, Any]]:
        found = self.ask("textDocument/completion", self.at(name, line, character))
        return {item["label"]: item for item in found}

    def rename(self, name: str, line: int, character: int, new: str) -> dict[str, list[dict[str, Any]]]:
        found = self.ask("textDocument/rename", {**self.at(name, line, character), "newName": new})
        return dict(found["changes"])


def place_of(text: str, part: str, number: int = 0) -> tuple[int, int]:
    """Line and UTF-16 column, from 0, of the beginning of the occurrence `number` of `part` in `text`."""
    offset = -1
    for _ in range(number + 1):
        offset = text.index(part, offset + 1)
    before = text[:offset]
    return before.count("\n"), len(before[before.rfind("\n") + 1:].encode("utf-16-le")) // 2


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """`text` after the edits of the protocol."""
    lines = text.split("\n")

    def offset(position: dict[str, int]) -> int:
        line = lines[position["line"]]
        column = len(line.encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le"))
        return sum(len(earlier) + 1 for earlier in lines[: position["line"]]) + column

    for edit in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        text = text[: offset(edit["range"]["start"])] + edit["newText"] + text[offset(edit["range"]["end"]):]
    return text
