"""Resharing in one pass: right at every committee, over more than one cached part, and when a draw is p itself."""

from typing import Any

import numpy as np
import pytest
from _cffi_backend import FFI
from committee import Committee, agreed, opened

from enigmalang.fields import M61, M127, Field
from enigmalang.mpc.dealing import reshare
from enigmalang.mpc.multiply import mul, open_product, select
from enigmalang.mpc.party import Party, alone
from enigmalang.sharing import ArithShare
from enigmalang.sharing.draws import PART, use_elements
from enigmalang.sharing.local import Local, given, product, selection
from enigmalang.sharing.shamir import os_uniform
from enigmalang.sharing.streams import Stream

COMMITTEES = [(3, 1), (4, 1), (5, 2), (7, 3), (9, 4)]


def uniform(field: Field, count: int) -> list[int]:
    """Values with the ends of the field among them."""
    values = [int(v) % field.p for v in field.to_ints(os_uniform(field, count))]
    return [0, 1, field.p - 1, field.p // 2, *values][:count]


def reshared(party: Party, locals_: list[Local]) -> ArithShare:
    return ArithShare(party.field, alone(party, lambda r: reshare(party, r, locals_)))


@pytest.fixture(params=[M61, M127], ids=str)
def field(request: pytest.FixtureRequest) -> Field:
    return request.param


@pytest.mark.parametrize(("n", "t"), COMMITTEES)
def test_all_kinds_together(n: int, t: int, field: Field) -> None:
    committee, p = Committee(n, t, field), field.p
    a, b, d = (uniform(field, 70)[::step] for step in (1, -1, 1))
    x, y, z, one = (committee.deal(v) for v in (a, b, d, [5]))

    def body(party: Party) -> list[int]:
        u, v, w, five = (share(party).raw for share in (x, y, z, one))
        chosen = selection(field, u, v, w)
        assert chosen is not None
        parts = [product(field, u, v), chosen, product(field, u, five), given(field, field.mul(v, w))]
        return opened(party, reshared(party, parts))

    rows = zip(a, b, d, strict=True)
    expected = [(u * v, u * (v - w) + w, 5 * u, v * w) for u, v, w in rows]
    flat = [value % p for column in zip(*expected, strict=True) for value in column]
    assert [v % p for v in agreed(committee.run(body))] == flat


def test_longer_than_a_part(field: Field) -> None:
    committee, count = Committee(3, 1, field), 2 * PART + 77
    values = uniform(field, count)
    x = committee.deal(values)
    got = agreed(committee.run(lambda party: opened(party, mul(party, x(party), x(party)))))
    assert [v % field.p for v in got] == [v * v % field.p for v in values]


def rigged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Key streams whose 3rd and 4th word after each `seek` are all ones; gives the number of seeks."""
    fill, seek = Stream.fill, Stream.seek
    places: dict[Stream, int] = {}
    seeks = [0]

    def seeking(stream: Stream, instruction: int, purpose: int = 0) -> None:
        places[stream] = 0
        seeks[0] += 1
        seek(stream, instruction, purpose)

    def filling(stream: Stream, words: Any) -> None:
        fill(stream, words)
        begin = places[stream]
        flat = words.reshape(-1)
        for at in (2, 3):
            if begin <= at < begin + flat.size:
                flat[at - begin] = np.uint64(0xFFFFFFFFFFFFFFFF)
        places[stream] = begin + flat.size

    monkeypatch.setattr(Stream, "seek", seeking)
    monkeypatch.setattr(Stream, "fill", filling)
    return seeks


@pytest.mark.parametrize(("n", "t"), COMMITTEES)
def test_a_draw_of_p_is_drawn_again(n: int, t: int, field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    seeks = rigged(monkeypatch)
    committee, p = Committee(n, t, field), field.p
    a, b = uniform(field, 20), uniform(field, 20)[::-1]
    x, y = committee.deal(a), committee.deal(b)

    def body(party: Party) -> list[int]:
        products = opened(party, mul(party, x(party), y(party)))
        chosen = opened(party, select(party, x(party), y(party), x(party)))
        at_once = field.to_ints(open_product(party, x(party), y(party)))
        return [*products, *chosen, *(int(v) for v in at_once)]

    expected = [u * v % p for u, v in zip(a, b, strict=True)]
    chosen = [(u * (v - u) + u) % p for u, v in zip(a, b, strict=True)]
    assert [v % p for v in agreed(committee.run(body))] == [*expected, *chosen, *expected]
    assert seeks[0] > 0


@pytest.mark.parametrize("rig", [False, True])
def test_draws_in_parts_and_whole_are_the_same(field: Field, rig: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a draw of p: what the kernel gets in the end is what `Stream.elements` gives."""
    if rig:
        rigged(monkeypatch)
    count, per = PART + 5, 2
    streams = [(Stream(bytes([i]) * 16), i) for i in range(3)]
    got = field.empty((3, count * per))

    def use(first: int, size: int, place: Any, stride: int) -> bool:
        nbytes = field.nbytes * (2 * stride + size * per)
        flat = np.frombuffer(FFI().buffer(place + 0, nbytes), np.uint64).reshape(-1, *field.tail)
        words = np.stack([flat[stride * i : stride * i + size * per] for i in range(3)])
        void = field.mask_words(words.reshape(-1, *field.tail)).any()
        got[:, first * per : (first + size) * per] = words
        return bool(void)

    use_elements(field, streams, 7, count, per, use)
    for row, (stream, purpose) in zip(got, streams, strict=True):
        expected = field.empty((count * per,))
        stream.seek(7, purpose)
        stream.elements(field, expected)
        assert np.array_equal(row, expected)
    assert field.is_canonical(got)
