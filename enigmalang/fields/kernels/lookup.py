"""Looking up bits in shared one-hot tables made ahead: what `mpc.tables` describes, for one comparison at a time.

A piece of a table is WORDS words: for each of the eight groups of eight bits 256 entries; 256 entries for the masks
of the groups' propagate bits; for i = -1, …, 7 the mask of generate bit i times the entries for the masks j > i,
2^(7-i) of them; the masks themselves (generate -1..7, propagate 0..7) and the top bit; the low 64 bits.
"""

from typing import Any

import numpy as np

from enigmalang.fields.kernels.build import ONES, N, W, carray, inline, kernel

WORDS = 51
MASKED, PRODUCTS, MASKS, LOW = 32, 36, 49, 50
BELOW, WHOLE, EQUAL = 0, 1, 2  # what is asked; `mpc.lookup`


@inline
def _parity(x: Any) -> Any:
    x ^= x >> np.uint64(32)
    x ^= x >> np.uint64(16)
    x ^= x >> np.uint64(8)
    x ^= x >> np.uint64(4)
    x ^= x >> np.uint64(2)
    x ^= x >> np.uint64(1)
    return x & np.uint64(1)


@inline
def _repeated(pattern: Any, width: int) -> Any:
    """A pattern of 2^width < 64 bits over a whole word."""
    step = 1 << width
    while step < 64:
        pattern |= pattern << np.uint64(step)
        step *= 2
    return pattern


@inline
def _from(limit: int, word: int, width: int) -> Any:
    """Of 64 entries, those whose number modulo 2^width is at least `limit` <= 2^width."""
    if width < 6:
        return _repeated((np.uint64(1) << np.uint64(1 << width)) - (np.uint64(1) << np.uint64(limit)), width)
    low = limit - (word * 64) % (1 << width)
    if low <= 0:
        return ONES
    return ONES << np.uint64(low) if low < 64 else np.uint64(0)


@inline
def _at(number: int, word: int, width: int) -> Any:
    """Of 64 entries, those whose number modulo 2^width is `number`."""
    if width < 6:
        return _repeated(np.uint64(1) << np.uint64(number), width)
    low = number - (word * 64) % (1 << width)
    return np.uint64(1) << np.uint64(low) if 0 <= low < 64 else np.uint64(0)


@inline
def _with_bit(bit: int, value: int, word: int) -> Any:
    """Of 64 entries, those whose number has `value` as its bit `bit`."""
    if bit < 6:
        low = ONES // ((np.uint64(1) << np.uint64(1 << bit)) + np.uint64(1))
        return ~low if value else low
    return ONES if (word >> (bit - 6) & 1) == value else np.uint64(0)


@kernel(W, W, W, W, N, N, N, N, N)
def look_up(
    ptables: Any, pc: Any, ptop: Any, pout: Any, lanes: int, pieces: int, width: int, mode: int, one: int
) -> None:
    """Masked generate bits (the wrap, then the groups') and propagate bits of c + r over `width` bits.

    c and its top bit are public; `one` says that this party's first piece holds public bits. Out: (pieces, lanes).
    """
    tables, out = carray(ptables, (lanes, pieces, WORDS)), carray(pout, (pieces, lanes))
    for lane in range(lanes):
        for a in range(pieces):
            found = np.uint64(0)
            if mode == BELOW:
                masks = tables[lane, a, MASKS]
                wrap = np.uint64(one if a == 0 else 0) if ptop[lane] else masks >> np.uint64(17) & np.uint64(1)
                found = wrap ^ (masks & np.uint64(1))
            out[a, lane] = found
        group = 0
        while 8 * group < width:
            bits = min(8, width - 8 * group)
            own = np.int64(pc[lane] >> np.uint64(8 * group) & np.uint64(255)) & ((1 << bits) - 1)
            limit = (1 << bits) - own - (1 if mode == WHOLE and group == 0 else 0)
            for a in range(pieces):
                above = np.uint64(0)
                full = np.uint64(0)
                for w in range(4):
                    entries = tables[lane, a, 4 * group + w]
                    above ^= entries & _from(limit, w, bits)
                    full ^= entries & _at((1 << bits) - 1 - own, w, bits)
                masks = tables[lane, a, MASKS]
                found = (_parity(full) ^ (masks >> np.uint64(9 + group) & np.uint64(1))) << np.uint64(9 + group)
                if mode != EQUAL:
                    found |= (_parity(above) ^ (masks >> np.uint64(1 + group) & np.uint64(1))) << np.uint64(1 + group)
                out[a, lane] |= found
            group += 1


@kernel(W, W, W, W, N, N, N, N, N, N)
def look_on(
    ptables: Any, popened: Any, pc: Any, pout: Any, lanes: int, pieces: int, width: int, mode: int, at: int, one: int
) -> None:
    """From the opened masked bits: bit `at` of c + r with the carry into it, or whether all propagate; packed.

    Out: (pieces, words), zero at first.
    """
    words = (lanes + 63) // 64
    tables, out = carray(ptables, (lanes, pieces, WORDS)), carray(pout, (pieces, words))
    groups = (width + 7) // 8
    for lane in range(lanes):
        opened = popened[lane]
        for a in range(pieces):
            found = np.uint64(0)
            if mode != EQUAL:
                found = tables[lane, a, LOW] >> np.uint64(at) & np.uint64(1)
                if a == 0 and one:
                    found ^= pc[lane] >> np.uint64(at) & np.uint64(1)
            place = PRODUCTS
            for i in range(-1, groups):
                size = 4 >> (i + 1) if i < 1 else 1
                if not (mode == WHOLE and i == -1):
                    generate = opened >> np.uint64(i + 1) & np.uint64(1)
                    if mode != EQUAL:
                        entries = np.uint64(0)
                        for w in range(size):
                            chosen = tables[lane, a, place + w]
                            for j in range(i + 1, groups):
                                opposite = 1 - np.int64(opened >> np.uint64(9 + j) & np.uint64(1))
                                chosen &= _with_bit(j - i - 1, opposite, w)
                            entries ^= chosen
                        found ^= _parity(entries)
                    if (generate and mode != EQUAL) or (mode == EQUAL and i == -1):
                        entries = np.uint64(0)
                        for w in range(4):
                            chosen = tables[lane, a, MASKED + w]
                            for j in range(i + 1, groups):
                                opposite = 1 - np.int64(opened >> np.uint64(9 + j) & np.uint64(1))
                                chosen &= _with_bit(j, opposite, w)
                            entries ^= chosen
                        found ^= _parity(entries)
                place += size
            out[a, lane >> 6] |= found << np.uint64(lane & 63)


@kernel(W, W, W, N, N, N)
def from_planes(pplanes: Any, pout: Any, block: Any, lanes: int, limbs: int, words: int) -> None:
    """Bit planes (64 * limbs, words) to lane-major integers (lanes, limbs). `block`: 64 words."""
    planes, out = carray(pplanes, (64 * limbs, words)), carray(pout, (lanes, limbs))
    for limb in range(limbs):
        for w in range(words):
            for i in range(64):
                block[i] = planes[limb * 64 + i, w]
            width = 32
            mask = np.uint64(0x00000000FFFFFFFF)
            while width:
                shift = np.uint64(width)
                for start in range(0, 64, 2 * width):
                    for i in range(start, start + width):
                        swap = ((block[i] >> shift) ^ block[i + width]) & mask
                        block[i + width] ^= swap
                        block[i] ^= swap << shift
                width >>= 1
                mask ^= mask << np.uint64(width)
            for i in range(min(64, lanes - 64 * w)):
                out[64 * w + i, limb] = block[i]
