"""The texts of the editor: open documents, which count more than the files on the disk."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from enigmalang.compiler.incremental import Memory
from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.lsp.positions import Encoding
from enigmalang.lsp.spread import Spread, respread
from enigmalang.semantics.loader import in_stdlib
from enigmalang.source import SourceFile
from enigmalang.source.shipped import STDLIB, shipped
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse, read_source


@dataclass(slots=True)
class Buffer:
    """One open document. `source` has its text with line ends as `\\n`, and room between the statements."""

    uri: str
    path: str
    version: int
    source: Spread

    def change(self, change: types.TextDocumentContentChangeEvent, encoding: Encoding) -> None:
        """Apply one change of the protocol: a part of the text, or all of it."""
        text = change.text.replace("\r\n", "\n")
        if isinstance(change, types.TextDocumentContentChangePartial):
            start = self._offset(change.range.start, encoding)
            stop = max(start, self._offset(change.range.end, encoding))
            text = self.source.real.text[:start] + text + self.source.real.text[stop:]
        self.source = respread(self.source, SourceFile(self.path, text))

    def _offset(self, position: types.Position, encoding: Encoding) -> int:
        real = self.source.real
        line, column = encoding.place(real, position)
        return sum(len(earlier) + 1 for earlier in real.lines[: line - 1]) + column - 1


@dataclass(frozen=True, slots=True)
class _Parsed:
    key: object  # the text itself, or what the disk says of the file
    module: ast.Module | None
    found: tuple[Diagnostic, ...]


class Modules:
    """Parsed modules by path, kept while their text stays the same, and the memories of open documents. Used by the
    worker thread alone."""

    def __init__(self) -> None:
        self._kept: dict[str, _Parsed] = {}
        self._memories: dict[str, Memory] = {}

    def memory(self, path: str) -> Memory:
        """What is remembered of the document at `path`."""
        return self._memories.setdefault(path, Memory())

    def keep_only(self, paths: Collection[str]) -> None:
        """Forget the documents that are not open any more."""
        for path in [p for p in self._memories if p not in paths]:
            del self._memories[path]

    def of_text(self, source: SourceFile, sink: Sink, memory: Memory | None = None) -> ast.Module | None:
        kept = self._kept.get(source.path)
        if kept is None or kept.key != source.text:
            own = Sink()
            kept = _Parsed(source.text, (memory or self.memory(source.path)).parse(source, own), tuple(own.diagnostics))
            self._kept[source.path] = kept
        return self._tell(kept, sink)

    def of_file(self, path: Path, stdlib: bool, sink: Sink) -> ast.Module | None:
        status = path.stat()
        key = (status.st_mtime_ns, status.st_size)
        kept = self._kept.get(str(path))
        if kept is None or kept.key != key:
            own = Sink()
            source = read_source(str(path), own)
            if stdlib and source is not None:
                source = SourceFile(f"{STDLIB}{path.name}", source.text)
            kept = _Parsed(key, None if source is None else parse(source, own), tuple(own.diagnostics))
            self._kept[str(path)] = kept
        return self._tell(kept, sink)

    def _tell(self, kept: _Parsed, sink: Sink) -> ast.Module | None:
        for diagnostic in kept.found:
            sink.report(diagnostic)
        return kept.module


class BufferLoader:
    """Modules for the file at `path`: open documents, then files beside it, then the standard library."""

    def __init__(self, path: str, texts: Mapping[str, SourceFile], modules: Modules) -> None:
        self._texts = texts
        self._modules = modules
        self._folders = ((Path(path).parent, in_stdlib(path)), (shipped("stdlib"), True))

    def load(self, name: str, sink: Sink) -> tuple[ast.Module, bool] | None:
        for folder, stdlib in self._folders:
            path = folder / f"{name}.enig"
            if not stdlib and str(path) in self._texts:
                module = self._modules.of_text(self._texts[str(path)], sink)
            elif path.is_file():
                module = self._modules.of_file(path, stdlib, sink)
            else:
                continue
            return None if module is None else (module, stdlib)
        return None

    def exists(self, name: str) -> bool:
        return any(
            str(folder / f"{name}.enig") in self._texts or (folder / f"{name}.enig").is_file()
            for folder, _ in self._folders
        )

    def names(self) -> list[str]:
        """Every module that could be imported."""
        found = {p.stem for folder, _ in self._folders if folder.is_dir() for p in folder.glob("*.enig")}
        beside = self._folders[0][0]
        return sorted(found | {Path(path).stem for path in self._texts if Path(path).parent == beside})
