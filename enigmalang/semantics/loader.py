"""Where imported modules come from: beside the file, then the standard library that ships with the package."""

from pathlib import Path
from typing import Protocol

from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.source.shipped import STDLIB, shipped
from enigmalang.syntax import ast
from enigmalang.syntax.parser import parse, read_source


class Loader(Protocol):
    """Finds modules by name. Syntax errors of a module go to `sink`."""

    def load(self, name: str, sink: Sink) -> tuple[ast.Module, bool] | None:
        """The module and whether it is of the standard library; None when there is none (or it does not parse)."""
        ...

    def exists(self, name: str) -> bool: ...

    def names(self) -> list[str]:
        """Every module that could be imported."""
        ...


class FileLoader:
    """Modules beside the file at `path`, then `stdlib/`."""

    def __init__(self, path: str) -> None:
        self._folders = ((Path(path).parent, in_stdlib(path)), (_stdlib(), True))

    def load(self, name: str, sink: Sink) -> tuple[ast.Module, bool] | None:
        for folder, stdlib in self._folders:
            path = folder / f"{name}.enig"
            if path.is_file():
                source = read_source(str(path), sink)
                if stdlib and source is not None:
                    source = SourceFile(f"{STDLIB}{name}.enig", source.text)
                module = None if source is None else parse(source, sink)
                return None if module is None else (module, stdlib)
        return None

    def exists(self, name: str) -> bool:
        return any((folder / f"{name}.enig").is_file() for folder, _ in self._folders)

    def names(self) -> list[str]:
        return sorted({p.stem for folder, _ in self._folders if folder.is_dir() for p in folder.glob("*.enig")})


class TextLoader:
    """Modules from texts in memory, then `stdlib/`: for tests and editors."""

    def __init__(self, texts: dict[str, str], stdlib: bool = True) -> None:
        self._texts = texts
        self._files = FileLoader(str(_stdlib() / "x.enig")) if stdlib else None

    def load(self, name: str, sink: Sink) -> tuple[ast.Module, bool] | None:
        if name in self._texts:
            module = parse(SourceFile(f"{name}.enig", self._texts[name]), sink)
            return None if module is None else (module, False)
        found = self._files.load(name, sink) if self._files else None
        return None if found is None else (found[0], True)

    def exists(self, name: str) -> bool:
        return name in self._texts or (self._files is not None and self._files.exists(name))

    def names(self) -> list[str]:
        return sorted({*self._texts, *(self._files.names() if self._files else ())})


def in_stdlib(path: str) -> bool:
    """Whether the file at `path` is one of the standard library's own."""
    return path.startswith(STDLIB) or Path(path).resolve().parent == _stdlib().resolve()


def _stdlib() -> Path:
    return shipped("stdlib")
