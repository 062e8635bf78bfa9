"""The circuit: what the nodes run together.

A circuit is a DAG of operations on **arrays**. Every node has a shape (public, known when the circuit is built)
and a *form*: `ARITH` values are signed integers held modulo a prime (|v| < 2^59 in M61, < 2^125 in M127), `BITS`
values are booleans held as packed GF(2) shares. Of either form are values that everyone knows: constants, and
what is computed of them locally (`layers.public_nodes`).

Nodes are stored in topological order: an argument's number is smaller than its user's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod
from typing import Any

import numpy.typing as npt

from enigmalang.source import Span

Array = npt.NDArray[Any]


class Form(StrEnum):
    """How a node's value is held."""

    ARITH = "arith"
    BITS = "bits"


@dataclass(frozen=True, slots=True)
class CircuitOp:
    """One row of the operation table.

    `rounds` is the number of message rounds for three parties in M61 (the engine's table in `mpc` is
    authoritative for other sizes); 0 means local work only.
    """

    name: str
    arity: int | None  # None: any number of arguments
    result: Form | None  # None: the form of the first argument
    attrs: tuple[str, ...] = ()
    rounds: int = 0
    doc: str = ""
    optional: bool = False  # the attributes may be left out


A, B = Form.ARITH, Form.BITS

#: Elementwise operations broadcast as NumPy does. `const` arrays are int64, or object arrays of Python integers.
OPS: dict[str, CircuitOp] = {
    op.name: op
    for op in (
        # leaves
        CircuitOp("input", 0, None, ("slot",), doc="a client's value; attr slot: index among the run's masked inputs"),
        CircuitOp("load", 0, None, ("handle",), doc="shares kept by an earlier circuit under an integer handle"),
        CircuitOp("const", 0, None, ("value",), doc="a public array (ARITH: integers, BITS: 0/1)"),
        # linear, local
        CircuitOp("add", 2, A),
        CircuitOp("sub", 2, A),
        CircuitOp("neg", 1, A),
        CircuitOp("scale", 1, A, ("factor",), doc="times a public integer array (broadcast)"),
        CircuitOp("sum", 1, A, ("axis",), doc="sum over one axis"),
        CircuitOp("cumsum", 1, A, doc="running sums along the last axis"),
        CircuitOp("xor", 2, B),
        CircuitOp("not", 1, B),
        # structural, local, both forms
        CircuitOp("reshape", 1, None, (), doc="to the node's shape, C order"),
        CircuitOp("broadcast", 1, None, (), doc="to the node's shape, as numpy.broadcast_to"),
        CircuitOp("take", 1, None, ("indices", "axis"), doc="numpy.take along an axis with a public int64 array"),
        CircuitOp("transpose", 1, None, ("axes",)),
        CircuitOp("concat", None, None, ("axis",)),
        CircuitOp("put", 2, None, ("indices",), doc="copy of arg 0 with rows (axis 0) `indices` replaced by arg 1"),
        # products
        CircuitOp("mul", 2, A, rounds=1),
        CircuitOp("dot", 2, A, rounds=1, doc="elementwise product summed over the last axis, fused: one resharing"),
        CircuitOp("matmul", 2, A, rounds=1, doc="(..., m, k) @ (..., k, n) with one resharing of the result"),
        CircuitOp("and", 2, B, rounds=1),
        # comparisons and conversions
        CircuitOp("ltz", 1, B, ("bits",), rounds=8, optional=True,
                  doc="x < 0, exact over the whole signed range; cheaper with bits: -2^bits <= x < 2^bits"),
        CircuitOp("eqz", 1, B, ("bits",), rounds=7, optional=True,
                  doc="x == 0; cheaper with bits: |x| <= 2^bits"),
        CircuitOp("b2a", 1, A, rounds=2, doc="bits to 0/1 integers"),
        CircuitOp("a2b", 1, B, ("bits",), rounds=7,
                  doc="0 <= x < 2^bits to its bits, least significant first, on a new last axis"),
        CircuitOp("select", 3, A, rounds=1, doc="(c: ARITH 0/1, x, y) -> y + c*(x-y)"),
        # division
        CircuitOp("shr", 1, A, ("f", "mode"), rounds=9,
                  doc="x >> f (floor); mode 'exact', or 'fast' (up to t units below; 2 rounds)"),
        CircuitOp("divc", 1, A, ("divisor",), rounds=9,
                  doc="floor(x / divisor), divisor a positive public integer"),
        CircuitOp("divmod", 2, A, ("bits",), rounds=111,
                  doc="0 <= x < 2^bits, y >= 0: result has a new first axis (quotient, remainder); y = 0 gives (0, 0)"),
        # order: columns of one shape (*batch, n), rows along the last axis; results have a new first axis, the columns
        CircuitOp("permute", None, A, rounds=4,
                  doc="(perm, columns…): result[c, …, perm[…, i]] = column c[…, i]; perm permutes 0..n-1"),
        CircuitOp("shuffle", None, A, rounds=3,
                  doc="columns in one uniformly random order per batch row, which no t parties know"),
        CircuitOp("sort", None, A, ("keys", "ranges", "ranks"), rounds=12,
                  doc="columns sorted (stable, ascending) by the first `keys` of them, whose values lie in `ranges`"
                  " ((low, high), …); ranks: None, or the positions wanted of each row; rounds: of short rows"),
    )
}


@dataclass(frozen=True, slots=True)
class Node:
    op: str
    args: tuple[int, ...]
    shape: tuple[int, ...]
    form: Form
    attrs: dict[str, Any] = field(default_factory=dict)  # keys: OPS[op].attrs
    span: Span | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Output:
    """Node `node` is sent, masked by a zero share and encrypted, to the holder of key `recipient` alone."""

    node: int
    recipient: int  # index into the run's list of recipient public keys


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Circuit:
    """Nodes in topological order and what leaves: openings, single-receiver outputs, shares to keep.

    `opens` are node numbers revealed to everyone, in order; `outputs` go to one receiver each; `keeps` are
    (node, handle) pairs whose shares the nodes remember.
    """

    field: str  # "M61" | "M127"
    nodes: Sequence[Node]  # a tuple, or the columns of `table.Table`
    opens: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()
    keeps: tuple[tuple[int, int], ...] = ()
