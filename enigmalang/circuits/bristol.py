"""Boolean circuits as Bristol files, with the old header and the newer "fashion" one.

Old:      `gates wires`, then `n1 n2 n3`: bits of the first and second input and of the output.
Fashion:  `gates wires`, then how many inputs and each one's bits, then how many outputs and each one's bits.
Both:     a gate a line, `inputs outputs wire… wire… KIND`; the outputs are the last wires.

Read leniently (blank lines, comments after `#`, OR and NOT gates as some tools write them, the newer header under an
old name), written strictly: XOR, AND, INV, and with the fashion header EQ (a constant) and EQW (a copy).
https://nigelsmart.github.io/MPC-Circuits/ describes the newer format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

from enigmalang.circuits.boolean import BooleanCircuit, Gate

_KINDS = {"XOR": Gate.XOR, "AND": Gate.AND, "OR": Gate.OR, "LOR": Gate.OR, "INV": Gate.INV, "NOT": Gate.INV,
          "EQW": Gate.COPY}
_READS = {Gate.XOR: 2, Gate.AND: 2, Gate.OR: 2, Gate.INV: 1, Gate.COPY: 1}
#: Limits of what is read: a header cannot ask for more memory than its file could fill.
MAX_WIRES = 1 << 26
#: Bits of all inputs, and of all outputs: no gate needs to name them.
MAX_BITS = 1 << 22

Line = tuple[int, list[str]]  # its number in the file, its words


class BristolError(Exception):
    """The text is not a Bristol circuit: what was expected, and in which line (from 1).

    It quotes nothing of the text but the wires of a well-formed gate: a program can name any file of whoever checks it.
    """

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: {text}")
        self.line = line
        self.text = text


def parse_bristol(text: str) -> BooleanCircuit:
    """The circuit of a file with either header. Raises BristolError."""
    lines = _lines(text)
    head = list(islice(lines, 3))
    if len(head) < 2:
        raise BristolError(text.count("\n") + 1, "a header of two or three lines is missing")
    count, wires = _sizes(head[0])
    inputs, outputs, first = _header(head)
    if not sum(outputs):
        raise BristolError(head[1][0], "the circuit has no output")
    if sum(inputs) > wires or sum(outputs) > wires:
        raise BristolError(head[1][0], "more bits of inputs or outputs than there are wires")
    if max(sum(inputs), sum(outputs)) > MAX_BITS:
        raise BristolError(head[1][0], f"more than {MAX_BITS:,} bits of inputs or outputs")
    if wires - sum(inputs) > len(text):
        raise BristolError(head[0][0], "more wires than the gates of the file compute")
    reader, last, read = _Reader(wires, sum(inputs)), head[-1][0], 0
    for read, line in enumerate(chain(first, lines), 1):
        if read > count:
            raise BristolError(line[0], "more gates than the first line says")
        reader.gate(line)
        last = line[0]
    if read < count:
        raise BristolError(last, f"the file ends after {read} gates, and the first line says more")
    return reader.circuit(inputs, outputs, last)


@lru_cache(maxsize=16)
def circuit_of(text: str) -> BooleanCircuit:
    """As `parse_bristol`; the last circuits are remembered."""
    return parse_bristol(text)


def _lines(text: str) -> Iterator[Line]:
    """Cut into words as they are asked for: of a long file that is no circuit only the first lines are."""
    split = ((number, line.partition("#")[0].split()) for number, line in enumerate(text.splitlines(), 1))
    return ((number, words) for number, words in split if words)


def _sizes(line: Line) -> tuple[int, int]:
    numbers = _numbers(line)
    if len(numbers) != 2:
        raise BristolError(line[0], "the first line has two numbers: how many gates, how many wires")
    if max(numbers) > MAX_WIRES:
        raise BristolError(line[0], f"more than {MAX_WIRES:,} gates or wires")
    return numbers[0], numbers[1]


def _numbers(line: Line) -> list[int]:
    for word in line[1]:
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise BristolError(line[0], "only numbers of at most 9 digits are expected here")
    return [int(word) for word in line[1]]


def _header(lines: Sequence[Line]) -> tuple[tuple[int, ...], tuple[int, ...], Sequence[Line]]:
    """Widths of inputs and outputs, and which of these two or three lines are gates already.

    A third line of numbers makes it a fashion header.
    """
    second = _numbers(lines[1])
    fashion = len(lines) > 2 and all(word.isdigit() for word in lines[2][1])
    if fashion:
        return _widths(lines[1], "inputs"), _widths(lines[2], "outputs"), lines[3:]
    if len(second) != 3:
        raise BristolError(lines[1][0], "the second line says the bits of two inputs and one output, or, with a third "
                           "line for the outputs, how many inputs there are and the bits of each")
    return tuple(width for width in second[:2] if width), (second[2],), lines[2:]


def _widths(line: Line, what: str) -> tuple[int, ...]:
    count, *widths = _numbers(line)
    if len(widths) != count:
        raise BristolError(line[0], f"the first number says how many {what} there are, and not as many follow")
    return tuple(widths)


class _Reader:
    """Gates as they come; a file's wires get our numbers when they are computed."""

    def __init__(self, wires: int, width: int) -> None:
        self.wires, self.width = wires, width
        self.ours = [-1] * (wires - width)  # inputs keep their numbers
        self.kinds: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []

    def gate(self, line: Line) -> None:
        number, words = line
        name = words[-1].upper()
        if len(words) < 4:
            raise BristolError(number, "a gate is written as `2 1 3 4 5 AND`: how many wires it reads and computes, "
                               "which ones, and its kind")
        reads, makes, *wires = _numbers((number, words[:-1]))
        if len(wires) != reads + makes:
            raise BristolError(number, "the first two numbers say how many wires are read and computed, and "
                               "not as many follow")
        if name == "MAND":
            self.several(number, reads, makes, wires)
        elif name == "EQ":
            self.constant(number, reads, makes, wires)
        elif name in _KINDS:
            kind = _KINDS[name]
            if reads != _READS[kind] or makes != 1:
                raise BristolError(number, f"{name} reads {_READS[kind]} and computes 1")
            self.made(number, kind, wires[:-1], wires[-1])
        else:
            raise BristolError(number, "unknown kind of gate; known are XOR, AND, INV, EQ, EQW, MAND, OR")

    def several(self, number: int, reads: int, makes: int, wires: list[int]) -> None:
        """`2n n a… b… c… MAND`: n ANDs at once."""
        if reads != 2 * makes or not makes:
            raise BristolError(number, "MAND reads twice as many wires as it computes")
        firsts, seconds, outs = wires[:makes], wires[makes : 2 * makes], wires[2 * makes :]
        for wire in (*firsts, *seconds):
            self.known(number, wire)  # all are read before one is computed
        for a, b, out in zip(firsts, seconds, outs, strict=True):
            self.made(number, Gate.AND, [a, b], out)

    def constant(self, number: int, reads: int, makes: int, wires: list[int]) -> None:
        """`1 1 0 w EQ`: the constant 0 (or 1) on wire w."""
        if (reads, makes) != (1, 1) or wires[0] > 1:
            raise BristolError(number, "EQ is written as `1 1 0 w EQ` or `1 1 1 w EQ`: the constant 0 or 1 on wire w")
        self.made(number, Gate.ONE if wires[0] else Gate.ZERO, [], wires[1])

    def made(self, number: int, kind: Gate, reads: list[int], out: int) -> None:
        args = [self.known(number, wire) for wire in reads]
        if out >= self.wires:
            raise BristolError(number, f"there is no wire {out}: wires are 0 to {self.wires - 1}")
        if out < self.width or self.ours[out - self.width] >= 0:
            raise BristolError(number, f"wire {out} has a value already")
        self.ours[out - self.width] = self.width + len(self.kinds)
        self.kinds.append(kind)
        self.left.append(args[0] if args else -1)
        self.right.append(args[1] if len(args) > 1 else -1)

    def known(self, number: int, wire: int) -> int:
        if wire >= self.wires:
            raise BristolError(number, f"there is no wire {wire}: wires are 0 to {self.wires - 1}")
        if wire < self.width:
            return wire
        if self.ours[wire - self.width] < 0:
            raise BristolError(number, f"wire {wire} is read before it has a value")
        return self.ours[wire - self.width]

    def circuit(self, inputs: tuple[int, ...], outputs: tuple[int, ...], last: int) -> BooleanCircuit:
        first = self.wires - sum(outputs)
        ends = [*range(first, self.width), *self.ours[max(0, first - self.width) :]]
        if -1 in ends:
            raise BristolError(last, f"output wire {first + ends.index(-1)} never gets a value")
        return BooleanCircuit(inputs, outputs, self.kinds, self.left, self.right, ends)


class NotOld(Exception):
    """The old header has no room for such a circuit; the text says why."""


def print_bristol(circuit: BooleanCircuit, *, old: bool = False) -> str:
    """The file of a circuit, with the old header or the fashion one. Raises NotOld.

    The old header has at most two inputs and one output: the outputs stand in it as one, one after the other.
    """
    if old and len(circuit.inputs) > 2:
        raise NotOld(f"the old Bristol header has two inputs, and this circuit {len(circuit.inputs)}")
    if old and not circuit.width:
        raise NotOld("the old Bristol format makes constants of an input, and this circuit has none")
    lines = list(_Writer(circuit, old).lines())
    total = circuit.width + len(lines)
    if old:
        first, second = (*circuit.inputs, 0, 0)[:2]
        header = f"{len(lines)} {total}\n{first} {second} {sum(circuit.outputs)}\n\n"
    else:
        header = f"{len(lines)} {total}\n{_counted(circuit.inputs)}\n{_counted(circuit.outputs)}\n\n"
    return header + "".join(f"{line}\n" for line in lines)


def _counted(widths: Sequence[int]) -> str:
    return " ".join(map(str, (len(widths), *widths)))


class _Writer:
    """Gates as a file has them; the outputs are the last wires, each its own."""

    def __init__(self, circuit: BooleanCircuit, old: bool) -> None:
        self.circuit, self.old = circuit, old
        self.rows: list[tuple[str, tuple[int, ...]]] = []  # kind, wires read; row k computes wire width + k
        self.zero = self.one = -1

    def emit(self, kind: str, *wires: int) -> int:
        self.rows.append((kind, wires))
        return self.circuit.width + len(self.rows) - 1

    def gate(self, kind: Gate, a: int, b: int) -> int:
        """A gate in the words of the format."""
        match kind:
            case Gate.OR:
                return self.emit("XOR", self.emit("XOR", a, b), self.emit("AND", a, b))
            case Gate.COPY:
                return self.copy(a)
            case Gate.ZERO | Gate.ONE:
                return self.constant(kind is Gate.ONE)
            case Gate.INV:
                return self.emit("INV", a)
            case _:
                return self.emit(kind.name, a, b)

    def constant(self, one: bool) -> int:
        if not self.old:
            return self.emit("EQ1" if one else "EQ0")
        if self.zero < 0:
            self.zero = self.emit("XOR", 0, 0)
        if one and self.one < 0:
            self.one = self.emit("INV", self.zero)
        return self.one if one else self.zero

    def copy(self, wire: int) -> int:
        return self.emit("XOR", wire, self.constant(False)) if self.old else self.emit("EQW", wire)

    def lines(self) -> Iterator[str]:
        circuit, width = self.circuit, self.circuit.width
        ours = list(range(width))
        for kind, a, b in zip(circuit.kinds, circuit.left, circuit.right, strict=True):
            ours.append(self.gate(Gate(kind), ours[a] if a >= 0 else -1, ours[b] if b >= 0 else -1))
        ends = [ours[wire] for wire in circuit.ends]
        seen: set[int] = set()
        for place, wire in enumerate(ends):
            if wire < width or wire in seen:  # an input, or an output twice
                ends[place] = wire = self.copy(wire)
            seen.add(wire)
        names = self.names(ends)
        return (self.line(row, names) for row in range(len(self.rows)))

    def names(self, ends: Sequence[int]) -> list[int]:
        """The numbers that wires get: outputs last."""
        width, total = self.circuit.width, self.circuit.width + len(self.rows)
        last = {wire: total - len(ends) + place for place, wire in enumerate(ends)}
        fresh = iter(range(width, total))
        return [*range(width), *(last[w] if w in last else next(fresh) for w in range(width, total))]

    def line(self, row: int, names: Sequence[int]) -> str:
        kind, wires = self.rows[row]
        out = names[self.circuit.width + row]
        if kind.startswith("EQ") and not wires:
            return f"1 1 {kind[2]} {out} EQ"
        return f"{len(wires)} 1 {' '.join(str(names[w]) for w in wires)} {out} {kind}"
