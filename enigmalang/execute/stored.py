"""What databases keep, given as the type that is asked for: the range analysis relies on that type.

A public value is looked at. Of a private one the type it was stored under says what it may be, and its shape is public.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Opaque, Tensor
from enigmalang.ir.leaves import Leaf, leaves_of
from enigmalang.types.ranges import nominal
from enigmalang.types.types import BytesT, EnumT, FixedT, StringT, Type


def may_be(leaves: Sequence[Any], stored: Type, wanted: Type) -> bool:
    """Whether `leaves`, stored as `stored`, hold values of `wanted` only."""
    if stored == wanted:
        return True
    kinds, asked = leaves_of(stored), leaves_of(wanted)
    return len(leaves) == len(kinds) == len(asked) and all(
        _leaf_may_be(value, kind, want) for value, kind, want in zip(leaves, kinds, asked, strict=True))


def _leaf_may_be(value: Any, kind: Leaf, want: Leaf) -> bool:
    if isinstance(kind.type, Opaque) or isinstance(want.type, Opaque):
        return kind.type == want.type
    if kind.type.rank != want.type.rank or not _alike(kind.type.element, want.type.element):
        return False
    shape = value.shape if isinstance(value, Secret) else np.shape(value) if want.type.rank else ()
    sized = all(most is None or n == most or (n < most and not exact)
                for n, most, exact in zip(shape, want.lens, want.exact, strict=True))
    return sized and _short(value, want.type) and _within(value, kind.type, want.type)


def _alike(a: Any, b: Any) -> bool:
    """Held in the same way."""
    if isinstance(a, FixedT) and isinstance(b, FixedT):
        return a.fraction == b.fraction
    return bool(a == b) if isinstance(a, EnumT) else type(a) is type(b)


def _short(value: Any, want: Tensor) -> bool:
    """Texts and bytes are no longer than what is wanted."""
    if not isinstance(want.element, StringT | BytesT) or (most := want.element.max) is None:
        return True
    return all(_size(text) <= most for text in _texts(value))


def _texts(value: Any) -> Iterator[str | bytes]:
    """The texts of a leaf, whatever its rank."""
    if isinstance(value, str | bytes):
        yield value
    else:
        for item in value:
            yield from _texts(item)


def _size(text: str | bytes) -> int:
    """In bytes."""
    return len(text.encode() if isinstance(text, str) else text)


def _within(value: Any, kind: Tensor, want: Tensor) -> bool:
    stored, bound = nominal(kind.element), nominal(want.element)
    if stored is None or bound is None or stored.within(bound):
        return True
    if isinstance(value, Secret):
        return False
    array = np.asarray(value, dtype=object)
    return array.size == 0 or bool(bound.low <= array.min() and array.max() <= bound.high)
