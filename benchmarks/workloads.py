"""What is measured: for each workload its program, its data, and what NumPy makes of it in the clear."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PROGRAMS = Path(__file__).with_name("programs")
Data = dict[str, Any]
Law = Callable[[float], float]


def linear(n: float) -> float:
    return n


def cubic(n: float) -> float:
    return n**3


def batcher(n: float) -> float:
    """Batcher's networks have about n·log²n / 4 comparators."""
    return n * log2(n) ** 2


def quadratic(n: float) -> float:
    return n**2


LAWS: dict[Law, str] = {linear: "n", cubic: "n³", batcher: "n·log²n", quadratic: "n²"}


@dataclass(frozen=True, slots=True)
class Workload:
    """`make(size, rng)` gives the inputs by name; `numpy(data)` is what is timed in the clear; `expect(data, its
    result)` what `L` must hold afterwards; `tolerance` how far from it a number may be (fixed point).

    MPyC is measured up to `mpyc_size`, beyond it scaled by `law`; workloads without a program for it are not. `settled`
    is applied to a result before it is compared: what is random about it is not looked at.
    """

    letter: str
    name: str
    title: str  # with {size}
    size: int
    growth: tuple[int, int, int]
    tiny: int
    make: Callable[[int, np.random.Generator], Data]
    numpy: Callable[[Data], Any]
    expect: Callable[[Data, Any], dict[str, Any]]
    mpyc_size: int
    law: Law = linear
    program: str = ""
    constants: Callable[[int], dict[str, int]] = field(default=lambda size: {})
    tolerance: float = 0
    settled: Callable[[Any], Any] = lambda found: found
    fresh: bool = False  # other data in every run, so that no circuit is the one of the run before

    @property
    def path(self) -> Path:
        return PROGRAMS / f"{self.program or self.name}.enig"

    def told(self, size: int) -> str:
        return self.title.format(size=f"{size:,}")

    def data(self, size: int, seed: int = 1) -> Data:
        """The same for the same seed: every party of MPyC makes its own. Test data, not secrets."""
        return self.make(size, np.random.default_rng([seed, size]))

    def law_name(self) -> str:
        return LAWS[self.law]


# ---- a: products


def _products(size: int, rng: np.random.Generator) -> Data:
    rows = max(1, size // 100)
    return {name: rng.integers(0, 1 << 16, (rows, 100)) for name in "xy"}


# ---- b: comparisons


def _pairs(bits: int) -> Callable[[int, np.random.Generator], Data]:
    def make(size: int, rng: np.random.Generator) -> Data:
        half = 1 << (bits - 1)
        data = {name: rng.integers(-half, half, size) for name in "xy"}
        data["y"][: size // 8] = data["x"][: size // 8]  # some are equal
        return data
    return make


# ---- e: products one after another


def _chain(size: int, rng: np.random.Generator) -> Data:
    return {"x": True, "y": rng.integers(0, 8, size) != 0}


def _chained(data: Data) -> int:
    z = int(data["x"])
    for y in data["y"].tolist():
        z = 1 - z * y
    return z


# ---- g: matrices


def _matrices(size: int, rng: np.random.Generator) -> Data:
    return {name: rng.integers(-(1 << 15), 1 << 15, (size, size)) for name in "ab"}


def _matrix(name: str, size: int, mpyc_size: int) -> Workload:
    return Workload(
        "g", name, "{size}×{size} matrix product", size, (64, 128, 256), 4, _matrices, lambda d: d["a"] @ d["b"],
        lambda d, found: {"product": found}, mpyc_size, cubic, "matrix_product", lambda size: {"N": size},
    )


# ---- c, d, f, k: order


def _values(bits: int, signed: bool = False) -> Callable[[int, np.random.Generator], Data]:
    def make(size: int, rng: np.random.Generator) -> Data:
        half = 1 << (bits - 1)
        values = rng.integers(-half, half, size) if signed else rng.integers(0, 2 * half, size)
        values[: size // 10] = values[size // 10 : 2 * (size // 10)]  # some are equal
        return {"x": values}
    return make


def _sort(name: str, size: int) -> Workload:
    return Workload(
        "c", name, "sort of {size} values", size, (1_000, 10_000, 100_000), 50, _values(32, signed=True),
        lambda d: np.sort(d["x"]), lambda d, found: {"sorted": found}, 256, batcher, "sorting",
    )


def _ranks(data: Data) -> Any:
    ordered = np.sort(data["x"])
    return len(ordered) - np.searchsorted(ordered, data["x"], side="right") + 1


def _auction(data: Data) -> tuple[int, int]:
    return int(np.argmax(data["x"])), int(np.partition(data["x"], -2)[-2])


def _valued(size: int, rng: np.random.Generator) -> Data:
    return _values(32)(size, rng) | {"edges": np.linspace(0, (1 << 32) - 1, 11).astype(np.int64)}


def _statistics(data: Data) -> tuple[Any, Any]:
    x, edges = data["x"], data["edges"]
    middle = np.partition(x, ((len(x) - 1) // 2, len(x) // 2))
    median = (int(middle[(len(x) - 1) // 2]) + int(middle[len(x) // 2])) // 2
    inner = x[x < edges[-1]]  # NumPy's last bin holds its right edge, ours does not
    return median, np.histogram(inner, edges)[0]


# ---- l, m, n: more of order


def _grouped(size: int, rng: np.random.Generator) -> Data:
    """About 100 rows a group."""
    return {"keys": rng.integers(1, max(2, size // 100), size) * 40_000, "values": rng.integers(0, 1 << 16, size)}


def _groups(data: Data) -> tuple[Any, Any, Any]:
    order = np.argsort(data["keys"], kind="stable")
    groups, starts, sizes = np.unique(data["keys"][order], return_index=True, return_counts=True)
    return groups, np.add.reduceat(data["values"][order], starts), sizes


def _padded(data: Data, found: Any) -> dict[str, Any]:
    room = len(data["keys"]) - len(found[0])
    columns = zip(("groups", "sums", "sizes"), found, strict=True)
    return {name: np.pad(column, (0, room)) for name, column in columns} | {"count": len(found[0])}


def _table(size: int, rng: np.random.Generator) -> Data:
    """As many rows, with different keys, as are wanted; about half of the wanted keys are there."""
    return {
        "keys": rng.permutation(2 * size)[:size], "wanted": rng.integers(0, 2 * size, size),
        "values": rng.integers(0, 1 << 32, size),
    }


def _looked_up(data: Data) -> tuple[Any, Any]:
    order = np.argsort(data["keys"])
    ordered = data["keys"][order]
    places = np.minimum(np.searchsorted(ordered, data["wanted"]), len(ordered) - 1)
    matched = ordered[places] == data["wanted"]
    return np.where(matched, data["values"][order[places]], 0), matched


# ---- h: logistic inference


def _logistic(size: int, rng: np.random.Generator) -> Data:
    """Raw `fixed` numbers; the scores come to about ±8."""
    raw = 1 << 16
    return {
        "rows": np.rint(rng.normal(0, 1, (size, 64)) * raw).astype(np.int64),
        "weights": np.rint(rng.normal(0, 0.4, (64, 1)) * raw).astype(np.int64),
        "bias": round(0.25 * raw),
    }


def _probability(data: Data) -> Any:
    z = (data["rows"] / 65536.0) @ (data["weights"] / 65536.0) + data["bias"] / 65536.0
    return 1 / (1 + np.exp(-z[:, 0]))


# ---- i: circuits of bits


def _bits(data: bytes, words: int, width: int) -> Any:
    """Bytes as bits, least significant first: (blocks, words, width); words of several bytes are big-endian."""
    numbers = np.frombuffer(data, f">u{width // 8}").astype(np.int64).reshape(-1, words)
    return (numbers[..., None] >> np.arange(width) & 1).astype(bool)


def _aes(size: int, rng: np.random.Generator) -> Data:
    key, blocks = rng.bytes(16), rng.bytes(16 * size)
    return {"key": _bits(key, 16, 8)[0], "blocks": _bits(blocks, 16, 8), "bytes": (key, blocks)}


def _encrypted(data: Data) -> bytes:
    """By the `cryptography` package: processors have instructions for it, NumPy has nothing."""
    key, blocks = data["bytes"]
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(blocks)


def _messages(size: int, rng: np.random.Generator) -> Data:
    messages = [rng.bytes(int(length)) for length in rng.integers(0, 56, size)]
    padded = b"".join(m + b"\x80" + bytes(55 - len(m)) + (8 * len(m)).to_bytes(8, "big") for m in messages)
    return {"blocks": _bits(padded, 16, 32), "bytes": messages}


def _digests(data: Data) -> bytes:
    return b"".join(sha256(message).digest() for message in data["bytes"])


def sha256_constants() -> dict[str, list[int]]:
    """`K` and `H` as the program has them."""
    text = (PROGRAMS / "sha256.enig").read_text("utf-8")
    tables = re.findall(r"const (K|H): [^=]*= \[([^\]]*)\]", text)
    return {name: [int(number, 16) for number in body.split(",")] for name, body in tables}


# ---- j: a hundred statements


def _small(size: int, rng: np.random.Generator) -> Data:
    scalars = {name: int(rng.integers(0, 1 << 16)) for name in "abc"}
    lists = {name: rng.integers(0, 1 << 16, size) for name in "xy"}
    return scalars | lists | {"k": int(rng.integers(0, 1 << 16))}


def statements() -> str:
    """The statements of the script that are Python too."""
    text = (PROGRAMS / "script.enig").read_text("utf-8")
    return "".join(line + "\n" for line in text.splitlines() if line.startswith("L["))


def script_names(data: Data) -> dict[str, Any]:
    """What the statements call, for numbers in the clear, and what they read."""
    plain = {name: data[name] for name in "abck"} | {"xs": data["x"].tolist(), "ys": data["y"].tolist()}
    return plain | {
        "L": {}, "reveal": lambda x: x, "select": lambda c, a, b: a if c else b, "mean": lambda x: sum(x) // len(x),
    }


def _script(data: Data) -> dict[str, Any]:
    names = script_names(data)
    exec(_COMPILED, names)  # noqa: S102
    found: dict[str, Any] = names["L"]
    return found


_COMPILED = compile(statements(), "script.enig", "exec")

WORKLOADS: dict[str, Workload] = {
    w.name: w
    for w in (
        Workload(
            "a", "products", "{size} products", 1_000_000, (10_000, 100_000, 1_000_000), 300, _products,
            lambda d: d["x"] * d["y"], lambda d, found: {"sums": found.sum(axis=1), "first": found[0]}, 100_000,
        ),
        Workload(
            "b", "comparisons32", "{size} comparisons, 32 bits", 1_000_000, (10_000, 100_000, 1_000_000), 100,
            _pairs(32), lambda d: d["x"] < d["y"], lambda d, found: {"less": found}, 2_000,
        ),
        Workload(
            "b", "comparisons59", "{size} comparisons, 59 bits", 1_000_000, (10_000, 100_000, 1_000_000), 100,
            _pairs(56), lambda d: 8 * d["x"] < 8 * d["y"], lambda d, found: {"less": found}, 2_000,
        ),
        _sort("sort10k", 10_000),
        _sort("sort1m", 1_000_000),
        Workload(
            "d", "ranks", "mean and rank of {size} salaries", 1_000, (100, 300, 1_000), 20, _values(32),
            _ranks, lambda d, found: {"mean": int(d["x"].sum()) // len(d["x"]), "ranks": found}, 40, quadratic,
        ),
        Workload(
            "e", "chain", "{size} products one after another", 1_000, (100, 300, 1_000), 20, _chain, _chained,
            lambda d, found: {"last": found}, 1_000,
        ),
        Workload(
            "f", "auction", "auction of {size} bids", 1_000, (100, 1_000, 10_000), 20, _values(32), _auction,
            lambda d, found: {"winner": found[0], "price": found[1]}, 1_000,
        ),
        _matrix("matrix256", 256, 256),
        _matrix("matrix1000", 1000, 128),
        Workload(
            "h", "logistic", "logistic inference, {size} × 64", 10_000, (100, 1_000, 10_000), 10, _logistic,
            _probability, lambda d, found: {"probability": np.rint(found * 65536)}, 300,
            constants=lambda size: {"N": size}, tolerance=8,
        ),
        Workload(
            "i", "aes", "AES-128 of {size} blocks", 1_000, (10, 100, 1_000), 2, _aes, _encrypted,
            lambda d, found: {"ciphertexts": _bits(found, 16, 8)}, 4,
        ),
        Workload(
            "i", "sha256", "SHA-256 of {size} blocks", 1_000, (4, 16, 64), 2, _messages, _digests,
            lambda d, found: {"digests": _bits(found, 8, 32)}, 1,
        ),
        Workload(
            "j", "script", "100 small statements, lists of {size}", 20, (20, 40, 80), 20, _small, _script,
            lambda d, found: found, 20, fresh=True,
        ),
        Workload(
            "k", "statistics", "median and histogram of {size} values", 100_000, (1_000, 10_000, 100_000), 50, _valued,
            _statistics, lambda d, found: {"median": found[0], "bins": found[1]}, 256, batcher,
        ),
        Workload(
            "l", "shuffle", "shuffle of {size} values", 1_000_000, (10_000, 100_000, 1_000_000), 50, _values(32),
            lambda d: np.random.default_rng(1).permutation(d["x"]), lambda d, found: {"shuffled": np.sort(found)}, 0,
            settled=np.sort,
        ),
        Workload(
            "m", "group_sum", "sums of {size} rows by key", 100_000, (1_000, 10_000, 100_000), 60, _grouped, _groups,
            _padded, 0,
        ),
        Workload(
            "n", "lookup", "{size} keys looked up in {size} rows", 100_000, (1_000, 10_000, 100_000), 40, _table,
            _looked_up, lambda d, found: {"found": found[0], "matched": found[1]}, 0,
        ),
    )
}
