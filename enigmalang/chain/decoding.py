"""Decoding of the ABI where the data may be anybody's: a chain takes texts that are no UTF-8, so reading them must not
fail.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """A value for each of the ABI `types`; in texts U+FFFD stands for what is no UTF-8.

    Raises eth_abi's DecodingError for what is not of these types.
    """
    return tuple(_codec().decode(types, data))


@cache
def _codec() -> Any:
    from eth_abi import decoding, encoding, registry
    from eth_abi.codec import ABICodec

    known: Any = registry  # eth_abi has no types of its own here
    coding: Any = decoding
    lenient = known.registry.copy()
    lenient.unregister("string")
    lenient.register(known.BaseEquals("string", with_sub=False), encoding.TextStringEncoder,
                     coding.StringDecoder(handle_string_errors="replace"), label="string")
    return ABICodec(lenient)
