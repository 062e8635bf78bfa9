"""Bits of an array that become integers one by one become integers all at once, and are taken after.

A loop over a private list of truths converts each item when it comes to it, in thousands of small operations on bits
that have to be cut out of words. The list as a whole is one operation, and its integers lie apart.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.circuit import Circuit, Output
from enigmalang.circuits.table import OP_NUMBER, Table, distinct, starts_of, table_of

#: Fewer conversions than this are left as they are.
LEAST = 4

Numbers = npt.NDArray[Any]


def join_slices(circuit: Circuit) -> Circuit:
    """An equivalent circuit in which an array of bits is converted as one where all of it is, place by place.

    Only where the places taken are as many as the array has, so that there is no more to convert.
    """
    table = table_of(circuit.nodes)
    users = table.where("b2a")
    takes = table.args[table.starts[users]].astype(np.int64)
    of_take = table.ops[takes] == OP_NUMBER["take"]
    users, takes = users[of_take], takes[of_take]
    if len(users) < LEAST:
        return circuit
    sources = table.args[table.starts[takes]].astype(np.int64)
    first, which = distinct(sources)
    sizes = np.array([prod(shape) for shape in table.shape_list], np.int64)[table.shapes]
    taken = np.bincount(which, weights=sizes[users], minlength=len(first))
    joined = (taken >= sizes[sources[first]]) & (np.bincount(which, minlength=len(first)) >= LEAST)
    if not joined.any():
        return circuit
    chosen = joined[which]
    place = np.cumsum(joined) - 1
    return _Joined(circuit, table, users[first[joined]], sources[first[joined]]).run(
        users[chosen], takes[chosen], place[which[chosen]])


class _Joined:
    """`like[k]` is a node whose operation is done on all of `sources[k]`, in a new node right after that."""

    def __init__(self, circuit: Circuit, table: Table, like: Numbers, sources: Numbers) -> None:
        by_source = np.argsort(sources, kind="stable")
        self.circuit, self.table = circuit, table
        self.like, self.sources = like[by_source], sources[by_source]
        self.place = np.empty_like(by_source)
        self.place[by_source] = np.arange(len(by_source))
        before = np.zeros(len(table) + 1, np.int64)
        np.add.at(before, sources + 1, 1)
        self.renamed = np.arange(len(table)) + np.cumsum(before)[:-1]  # what comes after a source moves on
        self.made = self.sources + 1 + np.arange(len(like))  # the new nodes' numbers

    def run(self, users: Numbers, takes: Numbers, which: Numbers) -> Circuit:
        """The nodes `users` take, as `takes` did, from the new nodes `which`."""
        old, to = self.circuit, self.renamed.tolist()
        return replace(
            old,
            nodes=self.nodes(users, takes, self.place[which]),
            opens=tuple(to[n] for n in old.opens),
            outputs=tuple(Output(to[out.node], out.recipient) for out in old.outputs),
            keeps=tuple((to[n], handle) for n, handle in old.keeps),
        )

    def nodes(self, users: Numbers, takes: Numbers, which: Numbers) -> Table:
        table = self.table
        ops, attrs, args = table.ops.copy(), table.attrs.copy(), self.renamed[table.args]
        ops[users], attrs[users] = OP_NUMBER["take"], table.attrs[takes]
        args[table.starts[users]] = self.made[which]
        at, like, one = self.sources + 1, self.like, np.ones(len(self.like), np.int64)
        spans = list(table.spans)
        if spans:
            for number, source in zip(reversed(like.tolist()), reversed(at.tolist()), strict=True):
                spans.insert(source, table.spans[number])
        return Table(
            np.insert(ops, at, table.ops[like]),
            np.insert(table.forms, at, table.forms[like]),
            np.insert(table.shapes, at, table.shapes[self.sources]),
            np.insert(attrs, at, table.attrs[like]),
            starts_of(np.insert(table.counts, at, one)),
            np.insert(args, table.starts[at], self.renamed[self.sources]).astype(np.int32),
            table.shape_list, table.attr_list, spans,
        )
