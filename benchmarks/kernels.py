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
from enigmalang.sharing.streams import Stream

BIG, SMALL = 1_000_000, 1 << 15


@dataclass(frozen=True, slots=True)
class Kernel:
    """`each`: seconds for one element (or byte); `against` names what `ratio` compares with."""

    name: str
    each: float
    unit: str
    against: str
    ratio: float


def measure_kernels(size: int = BIG, calls: int = 5) -> list[Kernel]:
    """All of them, in about ten seconds at the default size."""
    return [*_products(size, calls), *_matrices(max(2, int(size**0.5) // 4), calls), *_streams(size, calls),
            *_bits(size, calls)]


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
    m61 = 0.0
    for field in (M61, M127):
        x = _elements(field, size)
        each = _each(lambda f=field, x=x: f.mul(x, x), size, calls)  # type: ignore[misc]
        m61 = m61 or each
        yield Kernel(f"product in {field}", each, "element", "NumPy uint64 multiply", each / numpy)
        if field is M127:
            yield Kernel("product in M127", each, "element", "product in M61", each / m61)
        yield Kernel(f"product in {field}", each, "element", f"memory (copying {24 * field.limbs} bytes)",
                     each / (3 * field.limbs * copy))
        small = x[:SMALL]
        fresh = _each(lambda f=field, x=small: f.mul(x, x), len(small), 20 * calls)  # type: ignore[misc]
        yield Kernel(f"product in {field}, in the cache", fresh, "element", "NumPy uint64 multiply", fresh / numpy)


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
