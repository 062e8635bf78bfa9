"""Recursive length prefix encoding (Ethereum yellow paper, appendix B): byte strings and lists of them."""

from collections.abc import Sequence


def encode(item: object) -> bytes:
    """`item`: bytes, a natural number (big endian without leading zeros), or a sequence of items."""
    if isinstance(item, int):
        item = number(item)
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefixed(item, 0x80)
    if isinstance(item, Sequence):
        return _prefixed(b"".join(map(encode, item)), 0xC0)
    raise TypeError(f"RLP has no form for {type(item).__name__}")


def number(value: int) -> bytes:
    """A natural number in its fewest bytes; zero has none."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _prefixed(payload: bytes, offset: int) -> bytes:
    if len(payload) < 56:
        return bytes([offset + len(payload)]) + payload
    length = number(len(payload))
    return bytes([offset + 55 + len(length)]) + length + payload
