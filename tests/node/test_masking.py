"""Masked inputs without processes: the client's value comes back from the nodes' shares, and lies are
noticed.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enigmalang.fields import field_named
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.masking import MaskError, Slot, check_value, draw_mask, mask_message, mask_value, unmask_share
from enigmalang.sharing import ArithShare, BitShare, Keys, Share, seeds, structure
from enigmalang.sharing.shamir import reconstruct
from enigmalang.sharing.streams import Stream, Streams
from enigmalang.transport.memory import run_parties

SIZES = [(3, 1), (4, 1), (5, 2)]
KEYS: dict[tuple[int, int], list[Keys]] = {
    (n, t): run_parties(n, lambda network, t=t: exchange_keys(network, t)) for n, t in SIZES
}


def _masks(n: int, t: int, field: str, slot: Slot, instruction: int) -> list[Any]:
    shape = structure(n, t)
    return [
        draw_mask(slot, Streams(keys.derive(b"test")), shape, keys.me, instruction) for keys in KEYS[n, t]
    ]


def _shares(n: int, t: int, field: str, slot: Slot, value: Any, instruction: int = 1) -> list[Share]:
    shape = structure(n, t)
    masks = _masks(n, t, field, slot, instruction)
    messages = {k: mask_message(mask, shape) for k, mask in enumerate(masks, 1)}
    masked = mask_value(value, slot, field, shape, messages)
    return [unmask_share(mask, masked, field_named(field), shape, k) for k, mask in enumerate(masks, 1)]


@given(st.data(), st.sampled_from(SIZES), st.sampled_from(["M61", "M127"]))
@settings(max_examples=60, deadline=None)
def test_integers_come_back(data: st.DataObject, size: tuple[int, int], field: str) -> None:
    bound = 2**59 - 1 if field == "M61" else 2**125 - 1
    values = data.draw(st.lists(st.integers(-bound, bound), max_size=6))
    value = np.array(values, dtype=object if field == "M127" else np.int64)
    shares = _shares(*size, field, Slot(value.shape, False), value)
    kind = field_named(field)
    assert all(isinstance(share, ArithShare) and share.shape == value.shape for share in shares)
    raws = {k: share.raw for k, share in enumerate(shares, 1) if isinstance(share, ArithShare)}
    assert kind.to_ints(reconstruct(kind, raws, size[1])).tolist() == values


@given(st.lists(st.booleans(), max_size=200), st.sampled_from(SIZES))
@settings(max_examples=60, deadline=None)
def test_bits_come_back(values: list[bool], size: tuple[int, int]) -> None:
    value = np.array(values, dtype=np.bool_)
    shares = _shares(*size, "M61", Slot(value.shape, True), value)
    shape = structure(*size)
    pieces: dict[tuple[int, ...], Any] = {}
    for k, share in enumerate(shares, 1):
        assert isinstance(share, BitShare)
        for subset, row in zip(shape.held(k), share.unpacked(), strict=True):
            assert np.array_equal(pieces.setdefault(subset, row), row)
    assert np.bitwise_xor.reduce(np.stack(list(pieces.values()))).tolist() == [int(v) for v in values]


def test_what_goes_out_hides_the_value() -> None:
    """The same value twice is masked differently, and m is not x."""
    slot, shape = Slot((50,), False), structure(3, 1)
    value = np.arange(50)
    sent = []
    for instruction in (1, 2):
        masks = _masks(3, 1, "M61", slot, instruction)
        messages = {k: mask_message(mask, shape) for k, mask in enumerate(masks, 1)}
        sent.append(mask_value(value, slot, "M61", shape, messages))
    assert sent[0] != sent[1]
    assert value.astype("<u8").tobytes()[8:] not in sent


@pytest.mark.parametrize("bits", [False, True])
def test_a_lie_is_noticed(bits: bool) -> None:
    slot, shape = Slot((3,), bits), structure(3, 1)
    masks = _masks(3, 1, "M61", slot, 1)
    honest = {k: mask_message(mask, shape) for k, mask in enumerate(masks, 1)}
    value = np.array([1, 0, 1])
    mask_value(value, slot, "M61", shape, honest)
    for liar in (1, 2, 3):
        for at in range(0, len(honest[liar]), 5):
            changed = bytearray(honest[liar])
            changed[at] ^= 1
            with pytest.raises(MaskError) as caught:
                mask_value(value, slot, "M61", shape, honest | {liar: bytes(changed)})
            assert liar in caught.value.nodes
        with pytest.raises(MaskError, match=f"node {liar} told a mask of"):
            mask_value(value, slot, "M61", shape, honest | {liar: honest[liar][:-1]})


def test_many_values_are_masked_as_few_are() -> None:
    """The client's way without kernels, and the fused one, of both fields; none of the seeds' streams is kept."""
    shape = structure(5, 2)
    for field, bound in (("M61", 2**58), ("M127", 2**62)):
        value = np.linspace(-bound, bound, 3000).astype(np.int64)
        told = [mask_message(mask, shape) for mask in _masks(5, 2, field, Slot((3000,), False), 1)]
        messages = dict(enumerate(told, 1))
        many = bytes(mask_value(value, Slot((3000,), False), field, shape, messages))
        few = bytes(mask_value(value[:700], Slot((700,), False), field, shape, messages))
        assert many[: len(few)] == few
        shares = _shares(5, 2, field, Slot((3000,), False), value)
        raws = {k: share.raw for k, share in enumerate(shares, 1) if isinstance(share, ArithShare)}
        kind = field_named(field)
        assert np.array_equal(kind.to_ints(reconstruct(kind, raws, 2)), value)


def test_elements_that_are_p_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once in 2^61 elements a word is p: both ways of drawing, and the kernel's, then draw the same again."""
    kind, seed, fill = field_named("M61"), bytes(range(16)), Stream.fill
    begun = set()

    def seek(self: Stream, instruction: int, purpose: int = 0, word: int = 0) -> None:
        begun.add(self)
        restart(self, instruction, purpose, word)

    def spoilt(self: Stream, words: Any) -> None:
        fill(self, words)
        if self in begun:  # the first of the stream
            begun.remove(self)
            words[3] = np.uint64(kind.p)

    restart = Stream.seek
    monkeypatch.setattr(Stream, "seek", seek)
    monkeypatch.setattr(Stream, "fill", spoilt)
    few = seeds.sum_of_elements(kind, [seed], 2000)
    assert kind.is_canonical(few)
    assert np.array_equal(few, seeds.element_rows(kind, [seed], 2000)[0])
    assert np.array_equal(kind.neg(few), seeds.subtract_sum(kind, kind.zeros((2000,)), [seed]))


def test_seeds_are_of_one_draw() -> None:
    """What a client learns of one input tells nothing of another: seeds differ, and from the streams' own keys."""
    shape, keys = structure(3, 1), [keys.derive(b"test") for keys in KEYS[3, 1]]
    found = [seed for k in keys for i in (1, 2) for seed in seeds.seeds_for(Streams(k), shape, k.me, i)]
    assert len(set(found)) == 6 and all(found.count(seed) == 2 for seed in found)
    assert not {k.subset(a)[j : j + 16] for k in keys for a in shape.held(k.me) for j in (0, 16)} & set(found)


@pytest.mark.parametrize("masked", [b"", bytes(7), bytes(9), b"\xff" * 8])
def test_node_refuses_malformed_inputs(masked: bytes) -> None:
    mask = _masks(3, 1, "M61", Slot((), False), 1)[0]
    with pytest.raises(ValueError, match=r"expected|reduced"):
        unmask_share(mask, masked, field_named("M61"), structure(3, 1), 1)


@pytest.mark.parametrize(
    ("value", "slot", "text"),
    [
        (np.zeros(3), Slot((3,), False), "only integers"),
        (np.zeros(3, int), Slot((2,), False), "shape"),
        (np.array([2**59]), Slot((1,), False), "outside"),
        (np.array([-(2**70)], dtype=object), Slot((1,), False), "outside"),
        (np.array([2]), Slot((1,), True), "outside 0..1"),
    ],
)
def test_values_that_do_not_fit(value: Any, slot: Slot, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        check_value(value, slot, "M61")
