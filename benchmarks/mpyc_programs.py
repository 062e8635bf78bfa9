"""The workloads in MPyC 0.11, each in the fastest form that it has: arrays (`np_*`) where it has them.

Every party makes the same data from the same seed and only party 0's are taken, as one client's inputs. `run.input`
and `run.given` end the part that is compared with our masking of inputs.
"""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Data, sha256_constants, statements

P61 = (1 << 61) - 1


class Run:
    """What a program needs of MPyC, and when its inputs were there."""

    def __init__(self, mpc: Any, clock: Callable[[], float]) -> None:
        self.mpc = mpc
        self._clock = clock
        self.given_at = 0.0
        self.field = mpc.SecFld(P61)

    def integers(self, bits: int) -> Any:
        """Secure integers of so many bits; comparisons need them."""
        return self.mpc.SecInt(bits)

    def input(self, kind: Any, values: Any) -> Any:
        """An array of party 0's; numbers are Python's, as MPyC takes them."""
        return self.mpc.input(kind.array(np.asarray(values).astype(object)), senders=0)

    async def given(self, *inputs: Any) -> None:
        """All parties have their shares of the inputs."""
        await self.mpc.gather(list(inputs))
        await self.mpc.barrier()
        self.given_at = self._clock()

    async def output(self, value: Any) -> Any:
        """As signed integers."""
        opened = await self.mpc.output(value)
        return _plain(opened)


def _plain(opened: Any) -> Any:
    values = getattr(opened, "value", opened)
    numbers = np.array([int(v) for v in np.ravel(np.asarray(values, dtype=object))], dtype=object)
    if hasattr(opened, "value"):  # field elements
        modulus = int(type(opened).field.modulus if hasattr(type(opened), "field") else type(opened).modulus)
        numbers = np.array([n - modulus if n > modulus // 2 else n for n in numbers], dtype=object)
    return numbers.reshape(np.shape(values))


Program = Callable[[Run, Data], Awaitable[dict[str, Any]]]


async def products(run: Run, data: Data) -> dict[str, Any]:
    x, y = run.input(run.field, data["x"]), run.input(run.field, data["y"])
    await run.given(x, y)
    z = x * y
    return {"sums": await run.output(run.mpc.np_sum(z, axis=1)), "first": await run.output(z[0])}


async def comparisons32(run: Run, data: Data) -> dict[str, Any]:
    return await _comparisons(run, data, 32, 1)


async def comparisons59(run: Run, data: Data) -> dict[str, Any]:
    return await _comparisons(run, data, 59, 8)


async def _comparisons(run: Run, data: Data, bits: int, factor: int) -> dict[str, Any]:
    kind = run.integers(bits)
    x, y = run.input(kind, data["x"] * factor), run.input(kind, data["y"] * factor)
    await run.given(x, y)
    return {"less": await run.output(x < y)}


async def chain(run: Run, data: Data) -> dict[str, Any]:
    mpc, kind = run.mpc, run.field
    z = mpc.input(kind(int(data["x"])), senders=0)
    ys = mpc.input([kind(int(y)) for y in data["y"]], senders=0)
    await run.given(z, ys)
    for y in ys:
        z = 1 - z * y
    return {"last": await run.output(z)}


async def matrix_product(run: Run, data: Data) -> dict[str, Any]:
    a, b = run.input(run.field, data["a"]), run.input(run.field, data["b"])
    await run.given(a, b)
    return {"product": await run.output(run.mpc.np_matmul(a, b))}


async def sorting(run: Run, data: Data) -> dict[str, Any]:
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    return {"sorted": await run.output(run.mpc.np_sort(x))}


async def ranks(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    # The quotient by a public number: MPyC has none for integers, and opening the sum first says no more.
    total = await run.output(mpc.np_sum(x))
    greater = mpc.np_reshape(x, (n, 1)) < mpc.np_reshape(x, (1, n))
    return {"mean": int(total) // n, "ranks": await run.output(mpc.np_sum(greater, axis=1)) + 1}


async def auction(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    which, best = mpc.np_argmax(x, arg_unary=True, arg_only=False)
    price = mpc.np_amax(x - which * best)
    return {"winner": await run.output(mpc.np_sum(which * np.arange(n))), "price": await run.output(price)}


#: The sigmoid on [0, 11] in three pieces, each a polynomial of degree 5 in u from -1 to 1: within 4e-5.
_EDGES = (0.0, 2.5, 5.0, 11.0)


def _pieces() -> tuple[list[float], list[float], Any]:
    """Middles, half widths, and coefficients (piece, power)."""
    chebyshev, degree = np.polynomial.chebyshev, 5
    middles = [(a + b) / 2 for a, b in itertools.pairwise(_EDGES)]
    halves = [(b - a) / 2 for a, b in itertools.pairwise(_EDGES)]
    u = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    fits = [
        chebyshev.cheb2poly(chebyshev.chebfit(u, 1 / (1 + np.exp(-(m + h * u))), degree))
        for m, h in zip(middles, halves, strict=True)
    ]
    return middles, halves, np.array(fits)


async def logistic(run: Run, data: Data) -> dict[str, Any]:
    mpc = run.mpc
    kind = mpc.SecFxp(44, 20)  # a little finer than 2^-16: the polynomial's rounding errors add up
    rows, weights, bias = (
        mpc.input(kind.array(np.atleast_1d(data[name]) / 65536.0), senders=0) for name in ("rows", "weights", "bias")
    )
    await run.given(rows, weights, bias)
    z = mpc.np_reshape(mpc.np_matmul(rows, weights), (len(data["rows"]),)) + bias
    found = await mpc.output(_sigmoid(mpc, z))
    return {"probability": np.rint(np.asarray(found, dtype=float) * 65536).astype(np.int64)}


def _sigmoid(mpc: Any, z: Any) -> Any:
    negative = z < 0
    x = mpc.np_where(negative, -z, z)
    x = mpc.np_where(x < _EDGES[-1], x, _EDGES[-1])
    middles, halves, fits = _pieces()
    passed = [x >= edge for edge in _EDGES[1:-1]]

    def chosen(values: Any) -> Any:
        """Of one value a piece, that of x's piece: linear in the outcomes."""
        steps = np.diff(values).tolist()
        found = float(values[0])
        for outcome, step in zip(passed, steps, strict=True):
            found = outcome * step + found
        return found

    u = (x - chosen(middles)) * chosen([1 / h for h in halves])
    result = chosen(fits[:, -1])
    for power in range(fits.shape[1] - 2, -1, -1):
        result = result * u + chosen(fits[:, power])
    return mpc.np_where(negative, 1 - result, result)


async def statistics(run: Run, data: Data) -> dict[str, Any]:
    mpc, n = run.mpc, len(data["x"])
    x = run.input(run.integers(32), data["x"])
    await run.given(x)
    edges = [int(edge) for edge in data["edges"]]
    above = [mpc.np_sum(x >= edge) for edge in edges]
    bins = await mpc.output([a - b for a, b in itertools.pairwise(above)])
    ordered = mpc.np_sort(x)
    middle = await run.output(ordered[[(n - 1) // 2, n // 2]])
    return {"median": int(middle.sum()) // 2, "bins": np.array([int(b) for b in bins])}


async def aes(run: Run, data: Data) -> dict[str, Any]:
    """On elements of GF(2^8), which MPyC has: the S-box is a power, then a linear map of its bits."""
    mpc = run.mpc
    kind = mpc.SecFld(2**8, modulus="x^8+x^4+x^3+x+1")
    whole = 1 << np.arange(8)
    key, state = (mpc.input(kind.array((data[name] @ whole).astype(object)), senders=0) for name in ("key", "blocks"))
    await run.given(key, state)
    state = state + key
    shift = np.array([5 * i % 16 for i in range(16)])
    mix = _mix_columns(kind)
    for number, constant in enumerate((1, 2, 4, 8, 16, 32, 64, 128, 27, 54), 1):
        key = _next_key(mpc, kind, key, constant)
        state = _sub_bytes(mpc, kind, state)[:, shift]
        if number < 10:
            columns = mpc.np_reshape(state, (-1, 4))
            state = mpc.np_reshape(mpc.np_matmul(columns, mix), (-1, 16))
        state = state + key
    opened = await mpc.output(state)
    return {"ciphertexts": _octets(opened)}


def _octets(opened: Any) -> Any:
    numbers = np.vectorize(int, otypes=[np.int64])(opened.value)
    return (numbers[..., None] >> np.arange(8) & 1).astype(bool)


def _sub_bytes(mpc: Any, kind: Any, x: Any) -> Any:
    """The inverse is x^254; its bits, and the affine map of FIPS 197 with x^i as a constant for bit i."""
    bits = mpc.np_to_bits(x**254)
    columns = []
    for j in range(8):
        value = sum(1 << i for i in range(8) if (j - i) % 8 in (0, 4, 5, 6, 7))
        columns.append(value)
    powers = kind.field.array(np.array(columns, dtype=object))
    return mpc.np_sum(bits * powers, axis=-1) + kind.field(0x63)


def _mix_columns(kind: Any) -> Any:
    """For rows of four bytes, from the right."""
    first = (2, 3, 1, 1)
    return kind.field.array(np.array([[first[(i - j) % 4] for j in range(4)] for i in range(4)], dtype=object))


def _next_key(mpc: Any, kind: Any, key: Any, constant: int) -> Any:
    words = [key[4 * c : 4 * c + 4] for c in range(4)]
    turned = _sub_bytes(mpc, kind, words[3][np.array([1, 2, 3, 0])])
    last = turned + kind.field.array(np.array([constant, 0, 0, 0], dtype=object))
    made = []
    for word in words:
        last = last + word
        made.append(last)
    return mpc.np_concatenate(made)


async def sha256(run: Run, data: Data) -> dict[str, Any]:
    """On elements of GF(2), arrays of words: the additions of the EnigmaLang program."""
    kind = run.mpc.SecFld(2)
    blocks = run.input(kind, data["blocks"].astype(int))
    await run.given(blocks)
    words = _Words(run.mpc, kind)
    constants = sha256_constants()
    w = [blocks[:, t] for t in range(16)]
    for t in range(16, 64):
        early = words.turned(w[t - 15], 7) + words.turned(w[t - 15], 18) + words.shifted(w[t - 15], 3)
        late = words.turned(w[t - 2], 17) + words.turned(w[t - 2], 19) + words.shifted(w[t - 2], 10)
        w.append(words.added(w[t - 16], w[t - 7], early, late))
    start = [w[0] * 0 + words.const(number) for number in constants["H"]]
    a, b, c, d, e, f, g, h = start
    for t, number in enumerate(constants["K"]):
        known = words.added(h, h * 0 + words.const(number), w[t])
        big_e = words.turned(e, 6) + words.turned(e, 11) + words.turned(e, 25)
        big_a = words.turned(a, 2) + words.turned(a, 13) + words.turned(a, 22)
        first, second = g + e * (f + g), c + (a + c) * (b + c)
        h, g, f, e, d, c, b, a = (
            g, f, e, words.added(known, d, big_e, first), c, b, a, words.added(known, big_e, big_a, first, second),
        )
    ends = [words.added(x, y) for x, y in zip(start, (a, b, c, d, e, f, g, h), strict=True)]
    opened = [await run.mpc.output(x) for x in ends]
    found = np.stack([np.vectorize(int, otypes=[np.int64])(x.value) for x in opened], axis=1)
    return {"digests": found.astype(bool)}


class _Words:
    """Arrays (blocks, 32) of bits, least significant first."""

    def __init__(self, mpc: Any, kind: Any) -> None:
        self._mpc = mpc
        self._field = kind.field

    def const(self, number: int) -> Any:
        return self._field.array(np.array([number >> i & 1 for i in range(32)], dtype=object))

    def turned(self, x: Any, by: int) -> Any:
        return x[:, (np.arange(32) + by) % 32]

    def shifted(self, x: Any, by: int) -> Any:
        """Towards the least significant for by > 0; zeros come in."""
        places = np.arange(32) + by
        return self.turned(x, by) * self._field.array(((places >= 0) & (places < 32)).astype(int).astype(object))

    def added(self, *terms: Any) -> Any:
        """Carry-save down to two, then the prefix addition."""
        a, b, *rest = terms
        for c in rest:
            a, b = a + b + c, self.shifted(c + (a + c) * (b + c), -1)
        g, p = a * b, a + b
        sums = p
        for span in (1, 2, 4, 8, 16):
            g, p = g + p * self.shifted(g, -span), p * self.shifted(p, -span)
        return sums + self.shifted(g, -1)


async def script(run: Run, data: Data) -> dict[str, Any]:
    """The same statements, with MPyC's functions behind the names."""
    mpc, kind = run.mpc, run.integers(48)
    names: dict[str, Any] = {name: mpc.input(kind(data[name]), senders=0) for name in "abc"}
    lists = {name + "s": mpc.input([kind(int(v)) for v in data[name]], senders=0) for name in "xy"}
    await run.given(*names.values(), *lists["xs"], *lists["ys"])
    names |= lists | {
        "k": data["k"], "L": {}, "select": mpc.if_else, "max": _extreme(mpc.max), "min": _extreme(mpc.min),
        "sum": _total, "sorted": mpc.sorted, "any": mpc.any, "abs": mpc.abs, "mean": _mean(mpc), "opened": run.output,
    }
    text = statements().replace("reveal(", "await opened(")
    body = "".join(f"    {line}\n" for line in text.splitlines())
    exec(f"async def all_statements():\n{body}", names)  # noqa: S102
    await names["all_statements"]()
    return {key: int(value) for key, value in names["L"].items()}


def _total(values: Any) -> Any:
    """From the first on: MPyC does not add integers to truths of Python."""
    first, *rest = values
    for value in rest:
        first = first + value
    return first


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: function(*values) if len(values) > 1 else function(list(values[0]))


def _mean(mpc: Any) -> Callable[[Any], Any]:
    """Rounded down: the remainder taken off, the quotient by a public number is exact in the field."""
    def mean(values: Any) -> Any:
        total = _total(values)
        return (total - total % len(values)) / len(values)
    return mean


#: By the name of the workload's `.enig` program.
PROGRAMS: dict[str, Program] = {
    program.__name__: program
    for program in (
        products, comparisons32, comparisons59, chain, matrix_product, sorting, ranks, auction, logistic, statistics,
        aes, sha256, script,
    )
}
