"""Values of a boolean circuit's inputs and outputs, as people and other tools write them."""

import json
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

from enigmalang.circuits.boolean import Bits, BooleanCircuit, from_bits, to_bits
from enigmalang.cli.texts import fail, read_text
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute import wires as w
from enigmalang.execute.netlists import gates_on
from enigmalang.execute.trace import Tracer
from enigmalang.source import Span


class _BadValue(Exception):
    """A value that does not fit; the text says why."""


def rows_of(circuit: BooleanCircuit, file: str, values: Sequence[str], named: Sequence[str], lines: str | None,
            msb_first: bool) -> Bits:
    """Input bits `(n, width)`. Raises EnigmaError E0601, E0602, E0603, E0606; click.UsageError."""
    if lines is not None:
        if values or named:
            raise click.UsageError("--from reads all values from its file: give it or values, not both")
        return _from_lines(circuit, lines, msb_first)
    try:
        return _row(circuit, _with_named(circuit, list(values), named), msb_first)[None]
    except _BadValue as error:
        raise fail("E0606", str(error), Span(file, 1, 1, 1, 1), _how_to(circuit)) from None


def _how_to(circuit: BooleanCircuit) -> str:
    return f"give {len(circuit.inputs)} values, of {', '.join(map(str, circuit.inputs))} bits, as in 42, -1 or 0x2a"


def _with_named(circuit: BooleanCircuit, values: list[str], named: Sequence[str]) -> list[str]:
    """The values in the order of the inputs."""
    found: dict[int, str] = dict(enumerate(values, 1))
    for option in named:
        name, equals, text = option.partition("=")
        if not equals or not name.strip().isdigit() or not 1 <= int(name) <= len(circuit.inputs):
            raise click.UsageError(f"--input takes N=VALUE, N from 1 to {len(circuit.inputs)}, not {option!r}")
        if int(name) in found:
            raise click.UsageError(f"the input {name.strip()} is given twice")
        found[int(name)] = text
    missing = [n for n in range(1, len(circuit.inputs) + 1) if n not in found]
    if missing:
        raise _BadValue(f"the input {missing[0]} of {len(circuit.inputs)} is not given")
    return [found[n] for n in sorted(found)]


def _from_lines(circuit: BooleanCircuit, path: str, msb_first: bool) -> Bits:
    text = sys.stdin.read() if path == "-" else read_text(Path(path), Span(path, 1, 1, 1, 1))
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words:
            try:
                rows.append(_row(circuit, words, msb_first))
            except _BadValue as error:
                raise _at(path, number, str(error), circuit) from None
    return np.array(rows, np.bool_).reshape(len(rows), circuit.width)


def _at(path: str, line: int, text: str, circuit: BooleanCircuit) -> EnigmaError:
    return fail("E0606", text, Span(path, line, 1, line, 1), _how_to(circuit))


def _row(circuit: BooleanCircuit, words: Sequence[str], msb_first: bool) -> Bits:
    """Input bits of one evaluation. Raises _BadValue, which does not repeat a value: it may be secret."""
    if len(words) != len(circuit.inputs):
        raise _BadValue(f"the circuit has {len(circuit.inputs)} inputs, and {len(words)} values are given")
    parts = [_bits(word, width, n, msb_first) for n, (word, width) in enumerate(
        zip(words, circuit.inputs, strict=True), 1)]
    return np.concatenate([*parts, np.zeros(0, np.bool_)])


def _bits(word: str, width: int, number: int, msb_first: bool) -> Bits:
    try:
        value = int(word, 0) if len(word) < 1_000 or word[:2] in ("0x", "0b") else None
    except ValueError:
        value = None
    if value is None:
        raise _BadValue(f"input {number} is no integer such as 42, -1, 0x2a or 0b101010")
    if not -(1 << width >> 1) <= value < 1 << width:  # a circuit may have an input of no bits
        raise _BadValue(f"input {number} does not fit {width} bits")
    bits = to_bits(value, width)
    return bits[::-1] if msb_first else bits


def random_rows(circuit: BooleanCircuit, count: int) -> Bits:
    """Input bits `(count, width)` from the operating system's generator."""
    data = secrets.token_bytes(-(-count * circuit.width // 8))
    bits = np.unpackbits(np.frombuffer(data, np.uint8), count=count * circuit.width)
    return bits.reshape(count, circuit.width).astype(np.bool_)


def shown(circuit: BooleanCircuit, rows: Bits, msb_first: bool, as_json: bool) -> str:
    """Outputs in hexadecimal: a line a row, or JSON."""
    texts = [[_hex(part[::-1] if msb_first else part) for part in row] for row in circuit.splits(rows)]
    if as_json:
        return json.dumps(texts) + "\n"
    return "".join(f"{' '.join(row)}\n" for row in texts)


def _hex(bits: Bits) -> str:
    return f"{from_bits(bits):#0{2 + -(-len(bits) // 4)}x}"


def run_rows(circuit: BooleanCircuit, rows: Bits, batch: int, tracer: Tracer, phase: Callable[[str], None]) -> Bits:
    """Outputs of all rows on the tracer's engine, `batch` rows at a time. Raises EngineError."""
    parts = [np.zeros((0, len(circuit.ends)), np.bool_)]
    for at in range(0, len(rows), batch):
        phase(f"evaluating {at:,} of {len(rows):,}")
        opened, _ = tracer.run([gates_on(circuit, w.given(rows[at : at + batch], w.B))])
        parts.append(np.asarray(opened[0], np.bool_))
    return np.concatenate(parts)
