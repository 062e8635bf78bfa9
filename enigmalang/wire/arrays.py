"""Public arrays as bytes: int64, booleans, and integers of up to 128 bits.

Layout: kind (1 byte: `i` int64, `b` bool, `o` 16-byte integer), number of axes (1 byte), the axes
(uint64 each), then the elements in C order, little-endian, two's complement. One array has one encoding.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from enigmalang.circuits.runs import BOUND, EACH, LEAST, Run, Runs, runs_of
from enigmalang.wire.errors import WireError

Array = npt.NDArray[Any]

MAX_AXES = 16
#: Elements of one array or one circuit value.
MAX_ELEMENTS = 1 << 27
BIG_BYTES = 16

_RUNS, _RUN = b"r", struct.Struct("<Qqq")
_ITEM_BYTES = {b"i": 8, b"b": 1, b"o": BIG_BYTES}


def checked_size(shape: tuple[int, ...], what: str) -> int:
    """Number of elements of `shape`. Raises WireError for negative axes, too many axes, too many elements.

    An empty array's other axes are bounded like those of any array: NumPy counts them too.
    """
    if len(shape) > MAX_AXES:
        raise WireError(f"{what}: {len(shape)} axes, at most {MAX_AXES}")
    size = 1
    extent = 1
    for axis in shape:
        if axis < 0:
            raise WireError(f"{what}: negative axis length {axis}")
        size *= axis
        extent *= axis or 1
    if extent > MAX_ELEMENTS:
        counted = "" if size else " (its empty axes counted as 1)"
        raise WireError(f"{what}: {extent} elements{counted}, at most {MAX_ELEMENTS}")
    return size


def encode_array(value: Any) -> bytes:
    """Bytes of an integer or boolean array (or a Python integer, as shape `()`).

    Raises WireError for other types, elements over 127 bits, and arrays past the limits.
    """
    array = np.asarray(value)
    size = checked_size(array.shape, "array")
    kind, data = _elements(array, size)
    return b"".join((kind, struct.pack(f"<B{array.ndim}Q", array.ndim, *array.shape), data))


def _elements(array: Array, size: int) -> tuple[bytes, bytes | memoryview]:
    if array.dtype == np.bool_:
        return b"b", _memory(array)
    if array.dtype == object or array.dtype == np.uint64:
        return b"o", _encode_big(array.reshape(size).tolist())
    if array.dtype.kind in "iu":
        return b"i", _memory(array.astype("<i8", copy=False))
    raise WireError(f"array of {array.dtype}: only integers and booleans go over the wire")


def _memory(array: Array) -> memoryview:
    """Its elements' bytes in C order; a view of a contiguous array, not a copy."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _encode_big(values: list[Any]) -> bytes:
    try:
        return b"".join(int.to_bytes(value, BIG_BYTES, "little", signed=True) for value in values)
    except OverflowError:
        raise WireError("array element is over 127 bits") from None
    except TypeError:
        raise WireError("array of objects that are not all integers") from None


def decode_array(data: bytes) -> Array:
    """The array of `encode_array`: int64, bool, or object (Python integers). Read-only.

    Raises WireError unless `data` is exactly one valid encoding.
    """
    kind = data[:1]
    if kind not in _ITEM_BYTES or len(data) < 2:
        raise WireError("array: unknown kind or no header")
    axes = data[1]
    start = 2 + 8 * axes
    if axes > MAX_AXES or len(data) < start:
        raise WireError(f"array: header of {axes} axes is cut short or over {MAX_AXES} axes")
    shape = struct.unpack_from(f"<{axes}Q", data, 2)
    size = checked_size(shape, "array")
    if len(data) - start != size * _ITEM_BYTES[kind]:
        raise WireError(f"array: {len(data) - start} bytes of elements, expected {size * _ITEM_BYTES[kind]}")
    array = _decode_elements(kind, data, start, size).reshape(shape)
    array.flags.writeable = False
    return array


def _decode_elements(kind: bytes, data: bytes, start: int, size: int) -> Array:
    if kind == b"i":
        return np.frombuffer(data, "<i8", size, start).astype(np.int64)
    if kind == b"b":
        raw = np.frombuffer(data, np.uint8, size, start)
        if size and raw.max() > 1:
            raise WireError("array of booleans holds a byte that is neither 0 nor 1")
        return raw.astype(np.bool_)
    low = np.frombuffer(data, "<u8", 2 * size, start)[0::2].tolist()
    high = np.frombuffer(data, "<i8", 2 * size, start)[1::2].tolist()
    array = np.empty(size, dtype=object)
    array[:] = [(h << 64) | lo for h, lo in zip(high, low, strict=True)]
    return array


def encode_big(value: int) -> bytes:
    """One integer as 16 bytes. Raises WireError when it is over 127 bits."""
    return _encode_big([value])


def decode_big(data: bytes) -> int:
    """The integer of `encode_big`. Raises WireError unless `data` is 16 bytes."""
    if len(data) != BIG_BYTES:
        raise WireError(f"integer of {len(data)} bytes, expected {BIG_BYTES}")
    return int.from_bytes(data, "little", signed=True)


def encode_constant(value: Any) -> bytes:
    """As `encode_array`; long arrays of few runs (`circuits.runs`) as these: `r`, then count, first, step of each."""
    runs = value if isinstance(value, Runs) else runs_of(np.asarray(value))
    if runs is None:
        return encode_array(value)
    return b"".join((_RUNS, *(_RUN.pack(*run) for run in runs.runs)))


def decode_constant(data: bytes) -> Array | Runs:
    """What `encode_constant` encoded. Raises WireError unless `data` is exactly that."""
    if data[:1] != _RUNS:
        array = decode_array(data)
        if runs_of(array) is not None:
            raise WireError("array of runs: not the canonical encoding")
        return array
    if len(data) % _RUN.size != 1:
        raise WireError(f"array of runs: {len(data)} bytes")
    runs = tuple(_RUN.iter_unpack(memoryview(data)[1:]))
    size = sum(count for count, _, _ in runs)
    checked_size((size,), "array of runs")
    if size < LEAST or len(runs) > size // EACH or not _canonical(runs):
        raise WireError("array of runs: not the canonical encoding")
    return Runs(runs)


def _canonical(runs: tuple[Run, ...]) -> bool:
    """Whether each run is as long as may be, from the front: what `runs_of` finds."""
    for place, (count, first, step) in enumerate(runs):
        last = first + (count - 1) * step
        if count < 1 or max(abs(first), abs(last), abs(step)) >= BOUND:
            return False
        if place + 1 < len(runs) and (count == 1 or runs[place + 1][1] == last + step):
            return False
    return runs[-1][0] > 1 or runs[-1][2] == 0
