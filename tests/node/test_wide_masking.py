"""Masked inputs of a wide committee: values come back, m is uniform, a false share is noticed."""

from typing import Any

import numpy as np
import pytest

from enigmalang.fields import M61, M127, Field, unpack_bits
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.masking import Mask, MaskError, Slot, draw_masks, mask_message, mask_value, unmask_share
from enigmalang.sharing import ArithShare, binary, structure
from enigmalang.sharing.shamir import reconstruct
from enigmalang.transport.memory import run_parties

SIZES = [(3, 1), (6, 2), (11, 5), (15, 2)]


def masks_of(n: int, t: int, field: Field, slots: list[Slot]) -> list[list[Mask]]:
    def body(network: Any) -> list[Mask]:
        return draw_masks(Party(network, exchange_keys(network, t, wide=True), field, b"test"), slots)

    return run_parties(n, body)


@pytest.mark.parametrize("field", [M61, M127], ids=str)
@pytest.mark.parametrize(("n", "t"), SIZES)
def test_values_come_back(n: int, t: int, field: Field) -> None:
    shape = structure(n, t, True)
    values: list[Any] = [np.arange(-3, 4), np.arange(70) % 3 == 0, np.array(-5), np.array(True), np.zeros(0, int)]
    slots = [Slot(v.shape, v.dtype == np.bool_) for v in values]
    masks = masks_of(n, t, field, slots)
    for number, (value, slot) in enumerate(zip(values, slots, strict=True)):
        told = {i: mask_message(row[number], shape) for i, row in enumerate(masks, 1)}
        masked = mask_value(value, slot, field.name, shape, told)
        assert len(masked) == slot.nbytes(field)
        shares = {i: unmask_share(row[number], masked, field, shape, i) for i, row in enumerate(masks, 1)}
        if slot.bits:
            words = binary.reconstruct(shape.degree, {i: share.words for i, share in shares.items()}, t)
            assert unpack_bits(words, slot.size).tolist() == value.reshape(-1).astype(int).tolist()
        else:
            raws = {i: share.raw for i, share in shares.items() if isinstance(share, ArithShare)}
            assert field.to_ints(reconstruct(field, raws, t)).tolist() == value.tolist()


def test_masks_differ_and_are_uniform() -> None:
    shape, slots = structure(5, 2, True), [Slot((2000,), False), Slot((2000,), False), Slot((2000,), True)]
    masks = masks_of(5, 2, M61, slots)
    sent = []
    for number, slot in enumerate(slots):
        told = {i: mask_message(row[number], shape) for i, row in enumerate(masks, 1)}
        sent.append(mask_value(np.zeros(2000, int), slot, "M61", shape, told))
    for data in sent[:2]:
        highest = np.frombuffer(data, np.uint64) >> np.uint64(60)
        assert abs(int(highest.sum()) - 1000) < 320  # Hoeffding: beyond with probability below 2e^(-102)
    assert abs(int(unpack_bits(np.frombuffer(sent[2], np.uint64), 2000).sum()) - 1000) < 320
    assert sent[0] != sent[1]


@pytest.mark.parametrize("bits", [False, True])
@pytest.mark.parametrize(("n", "t"), [(3, 1), (11, 5)])
def test_a_false_share_is_noticed(n: int, t: int, bits: bool) -> None:
    slot, shape = Slot((3,), bits), structure(n, t, True)
    masks = masks_of(n, t, M61, [slot])
    honest = {i: mask_message(row[0], shape) for i, row in enumerate(masks, 1)}
    value = np.array([1, 0, 1])
    for liar in (1, n):
        changed = bytearray(honest[liar])
        changed[0] ^= 1
        with pytest.raises(MaskError) as caught:
            mask_value(value, slot, "M61", shape, honest | {liar: bytes(changed)})
        assert liar in caught.value.nodes
        assert n == 3 or caught.value.nodes == (liar,)
        with pytest.raises(MaskError, match=f"node {liar} told a malformed share"):
            mask_value(value, slot, "M61", shape, honest | {liar: honest[liar][:-1]})
    changed = bytearray(honest[1])
    changed[:8] = b"\xff" * 8
    with pytest.raises(MaskError):
        mask_value(value, slot, "M61", shape, honest | {1: bytes(changed)})
    if bits:
        told = {i: bytes(8 * shape.degree - 8) + b"\x01" + bytes(7) for i in shape.parties}  # the constant X^(k-1)
        with pytest.raises(MaskError, match="not 0 or 1"):
            mask_value(value, slot, "M61", shape, told)
