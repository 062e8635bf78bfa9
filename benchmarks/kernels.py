"""The kernels alone, against what NumPy, memory and OpenSSL make of this machine: `python -m benchmarks kernels`.

One core. Big arrays (1,000,000 elements, more than the caches hold) and, for products, small ones that stay in the
nearest cache; seconds are those of the fastest of several rows of calls.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from enigmalang.cli.columns import columns, told_seconds
from enigmalang.cli.floor import fastest
from enigmalang.fields import M61, M127, Field, and_cross, bit_planes, pack_bits
from enigmalang.fields.arithmetic import PIECE, PRODUCT, at
from enigmalang.fields.warm import kernels
from enigmalang.sharing.streams import Stream

BIG, SMALL = 1_000_000, 1 << 13
#: M127 takes at most so many times what M61 takes.
AIM = 5


@dataclass(frozen=True, slots=True)
class Kernel:
    """`each`: seconds for one element (or byte); `against` names what `ratio` compares with, at most `aim` times."""

    name: str
    each: float
    unit: str
    against: str
    ratio: float
    aim: float | None = None


def measure_kernels(size: int = BIG, calls: int = 5) -> list[Kernel]:
    """All of them, in about ten seconds at the default size."""
    return [*_products(size, calls), *_fields(size, calls), *_matrices(max(2, int(size**0.5) // 4), calls),
            *_streams(size, calls), *_bits(size, calls)]


def _each(action: Callable[[], object], count: int, calls: int) -> float:
    return fastest(action, calls) / count


def _elements(field: Field, size: int) -> np.ndarray:
    return field.from_ints(np.arange(1, size + 1) * 0x9E3779B97F4A7)


def _products(size: int, calls: int) -> Iterator[Kernel]:
    words = np.arange(1, size + 1, dtype=np.uint64)
    out = np.empty_like(words)
    numpy = _each(lambda: np.multiply(words, words, out=out), size, calls)
    copy = _each(lambda: np.copyto(out, words), size, calls)
    yield Kernel("NumPy uint64 multiply, in place", numpy, "element", "memory (copying 8 bytes)", numpy / copy)
    for field in (M61, M127):
        x = _elements(field, size)
        each = _each(lambda f=field, x=x: f.mul(x, x), size, calls)  # type: ignore[misc]
        yield Kernel(f"product in {field}", each, "element", "NumPy uint64 multiply", each / numpy)
        yield Kernel(f"product in {field}", each, "element", f"memory (copying {24 * field.limbs} bytes)",
                     each / (3 * field.limbs * copy))
        small = x[:SMALL]
        fresh = _each(lambda f=field, x=small: f.mul(x, x), len(small), 20 * calls)  # type: ignore[misc]
        yield Kernel(f"product in {field}, in the cache", fresh, "element", "NumPy uint64 multiply", fresh / numpy)


def _fields(size: int, calls: int) -> Iterator[Kernel]:
    """What M127 costs more than M61, whose elements are half as long: one operation after the other in both fields."""
    for count, where in ((min(SMALL, size), "in the cache"), (size, "in memory")):
        both = [_operations(field, count) for field in (M61, M127)]
        for name in both[0]:  # short rows in turns: both fields meet the same load of the machine
            turns = [[_each(operations[name], count, calls if count < size else 1) for operations in both]
                     for _ in range(calls)]
            m61, m127 = map(min, zip(*turns, strict=True))
            yield Kernel(f"{name} in M127, {where}", m127, "element", f"the same in M61, aim {AIM}", m127 / m61, AIM)


def _operations(field: Field, size: int) -> dict[str, Callable[[], object]]:
    """Those on large arrays; the resharing without its key stream, with one random element and one message."""
    work = kernels().prime[field.q]
    x, y, draws = (field.mul(_elements(field, size), _elements(field, 1)) for _ in range(3))
    out, own, scratch = field.empty((size,)), field.empty((size,)), np.empty(PIECE, np.uint64)
    table, one = _elements(field, 4), _elements(field, 1)
    rows = at(table), at(out), 1, size, at(own), 0, size, at(scratch)
    ends = at(x), 1, at(y), 1, at(x), 1, 0, at(draws), 1, 0, size, 1, size
    apart, repeated = (1, size, 0, 1, 0, 1), (1, size, 0, 1, 0, 0)
    return {
        "product": lambda: work.mul(x, y, out, apart),
        "product with one number": lambda: work.mul(x, one, out, repeated),
        "sum": lambda: work.add(x, y, out, apart, False),
        "inner product": lambda: work.dot(x, 0, y, 0, out, 1, size),
        "product, reshared": lambda: work.reshare(PRODUCT, *ends, *rows),
    }


def _matrices(n: int, calls: int) -> Iterator[Kernel]:
    integers = np.arange(n * n, dtype=np.int64).reshape(n, n) % 1000
    floats = integers.astype(np.float64)
    numpy = _each(lambda: integers @ integers, n**3, max(1, calls // 5))
    blas = _each(lambda: floats @ floats, n**3, calls)
    yield Kernel(f"NumPy float64 matrix product (BLAS), {n}×{n}", blas, "multiply-add", "NumPy int64", blas / numpy)
    for field in (M61, M127):
        x = field.reshape(_elements(field, n * n), (n, n))
        each = _each(lambda f=field, x=x: f.matmul(x, x), n**3, max(1, calls // 5))  # type: ignore[misc]
        yield Kernel(f"matrix product in {field}, {n}×{n}", each, "multiply-add", "NumPy int64", each / numpy)
        yield Kernel(f"matrix product in {field}, {n}×{n}", each, "multiply-add", "float64 BLAS", each / blas)


def _streams(size: int, calls: int) -> Iterator[Kernel]:
    words = np.empty(size, np.uint64)
    zeros, into = bytes(1 << 14), bytearray(1 << 14)
    cipher = Cipher(algorithms.AES(bytes(16)), modes.CTR(bytes(16))).encryptor()
    openssl = _each(lambda: cipher.update_into(zeros, into), len(zeros), 20 * calls)
    stream = Stream(bytes(16))
    each = _each(lambda: stream.fill(words), 8 * size, calls)
    yield Kernel("key stream", each, "byte", "AES-128-CTR in the cache (OpenSSL)", each / openssl)
    for field in (M61, M127):
        out = field.empty((size,))
        drawn = _each(lambda f=field, out=out: stream.elements(f, out), field.nbytes * size, calls)  # type: ignore[misc]
        yield Kernel(f"uniform elements of {field}", drawn, "byte", "AES-128-CTR in the cache (OpenSSL)",
                     drawn / openssl)


def _bits(size: int, calls: int) -> Iterator[Kernel]:
    x = _elements(M61, size)
    words = np.arange(size, dtype=np.uint64)
    out = np.empty_like(words)
    numpy = _each(lambda: np.bitwise_and(words, words, out=out), size, calls)
    copy = _each(lambda: np.copyto(out, words), size, calls)
    transposed = _each(lambda: bit_planes(M61, x), size, calls)
    yield Kernel("elements to bit planes", transposed, "element", "memory (copying 8 bytes)", transposed / copy)
    bits = np.zeros(64 * (size // 64), np.uint8)
    packed = _each(lambda: pack_bits(bits), len(bits), calls)
    yield Kernel("bytes to packed bits", packed, "bit", "memory (copying 8 bytes)", packed / copy)
    planes = words[: size // 2 * 2].reshape(2, 1, -1)  # n = 3: two pieces
    mine = np.array([[True, True], [True, False]])
    rows = np.zeros(1, np.int64)
    each = _each(lambda: and_cross(planes, rows, planes, rows, mine), planes.shape[2], calls)
    yield Kernel("AND of shared words, three parties", each, "word", "NumPy AND of words", each / numpy)


def kernels_table(found: list[Kernel]) -> str:
    """A line each."""
    lines = [(k.name, f"{told_seconds(k.each)} / {k.unit}", f"{k.ratio:.2f} ×", k.against) for k in found]
    return columns(("kernel", "", "", "against"), lines, left=(0, 3))
