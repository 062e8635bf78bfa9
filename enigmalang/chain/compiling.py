"""Vyper to bytecode, in process: the hub's own contracts and generated ones.

Modules come from memory. What was compiled once is kept in the user's cache folder, under a hash of every source and
the compiler's version and settings, so that a program that was deployed before starts without the compiler.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from enigmalang.fields.warm import cache_folder

FOLDER = Path(__file__).parent / "contracts"
EVM = "cancun"
#: EIP-170: what a contract's code may be at most.
CODE_LIMIT = 24_576
VYPER = "0.4.3"
#: Changed when the stored form changes.
_FORMAT = 1


class CompileError(Exception):
    """Vyper refused a source: `text`, at `line` and `column` (1-based and 0-based, None if unknown) of `module`."""

    def __init__(self, text: str, line: int | None, column: int | None, module: str) -> None:
        super().__init__(f"{module}:{line}:{column}: {text}")
        self.text, self.line, self.column, self.module = text, line, column, module


@dataclass(frozen=True, slots=True)
class Compiled:
    """A contract: `init` code to deploy (arguments are appended), `runtime` code as far as it is known, and ABI."""

    name: str
    init: bytes
    runtime: bytes
    abi: tuple[dict[str, Any], ...]
    blueprint: bytes


def compile_source(source: str, name: str, modules: Mapping[str, str] | None = None, metadata: bool = True) -> Compiled:
    """`source` as contract `name`; `modules` by file name (`nodes.vy`). Raises CompileError. `metadata`: whether Vyper
    puts a hash of the source behind the code.

    A second without the cache, a millisecond with it.
    """
    modules = modules or {}
    folder = cache_folder()
    path = folder and folder / f"vyper-{_digest(source, name, modules, metadata)}.json"
    if path is not None and (found := _load(path)) is not None:
        return found
    made = _compile(source, name, modules, metadata)
    if path is not None:
        _save(path, made)
    return made


@cache
def own_contract(name: str) -> Compiled:
    """A contract of this package's `contracts` folder ("Hub", "Account")."""
    source = (FOLDER / f"{name}.vy").read_text("utf-8")
    modules = {p.name: p.read_text("utf-8") for p in sorted(FOLDER.glob("*.vy*")) if p.stem != name}
    return compile_source(source, name, modules)


def _compile(source: str, name: str, modules: Mapping[str, str], metadata: bool) -> Compiled:
    from vyper import compile_code
    from vyper.compiler.input_bundle import JSONInputBundle
    from vyper.compiler.settings import OptimizationLevel, Settings
    from vyper.exceptions import VyperException

    files = {PurePosixPath(file): {"content": text} for file, text in modules.items()}
    bundle = JSONInputBundle(files, search_paths=[PurePosixPath(".")])
    settings = Settings(evm_version=EVM, optimize=OptimizationLevel.CODESIZE)
    wanted = ("bytecode", "bytecode_runtime", "blueprint_bytecode", "abi")
    try:
        found = compile_code(source, contract_path=PurePosixPath(f"{name}.vy"), input_bundle=bundle,
                             settings=settings, output_formats=wanted, no_bytecode_metadata=not metadata)
    except VyperException as error:
        raise _compile_error(error, name) from error
    init, runtime, blueprint = (bytes.fromhex(found[k][2:]) for k in wanted[:3])
    return Compiled(name, init, runtime, tuple(found["abi"]), blueprint)


def _compile_error(error: Any, name: str) -> CompileError:
    """Where it happened is in the exception itself, or in the node that it carries."""
    line, column, module = getattr(error, "lineno", None), getattr(error, "col_offset", None), name
    for note in getattr(error, "annotations", None) or ():
        node = note[1] if isinstance(note, tuple) else note
        if getattr(node, "lineno", None) is not None:
            line, column = node.lineno, node.col_offset
            path = getattr(getattr(node, "module_node", None), "resolved_path", None)
            module = Path(path).stem if path else name
            break
    text = str(getattr(error, "_message", "") or error).strip()
    hint = getattr(error, "hint", None)
    return CompileError(f"{text} ({hint})" if hint else text, line, column, module)


def _digest(source: str, name: str, modules: Mapping[str, str], metadata: bool) -> str:
    kind = f"{_FORMAT} {VYPER} {EVM} codesize{'' if metadata else ' bare'}"
    parts = [kind, name, source, *(t for pair in sorted(modules.items()) for t in pair)]
    return sha256(b"".join(len(p.encode()).to_bytes(8, "big") + p.encode() for p in parts)).hexdigest()


def _load(path: Path) -> Compiled | None:
    try:
        found = json.loads(path.read_bytes())
        return Compiled(found["name"], bytes.fromhex(found["init"]), bytes.fromhex(found["runtime"]),
                        tuple(found["abi"]), bytes.fromhex(found["blueprint"]))
    except (OSError, ValueError, KeyError):
        return None  # not there, or not ours: compile


def _save(path: Path, made: Compiled) -> None:
    """The whole file or nothing; a folder that cannot be written only costs time."""
    text = json.dumps({"name": made.name, "init": made.init.hex(), "runtime": made.runtime.hex(),
                       "abi": list(made.abi), "blueprint": made.blueprint.hex()})
    with suppress(OSError):
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
