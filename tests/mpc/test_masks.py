"""The masks: what protocols open is uniform, also to a coalition that strips what it knows, and no key stream is
used twice. Each check is tested to fail when the masks are taken away.

The joint view of t parties, with its exact distribution, is in tests/sharing/test_joint_views.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from threading import get_ident
from typing import Any

import numpy as np
import pytest
from committee import Committee
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.circuits.circuit import Circuit, Form, Node, Output
from enigmalang.fields import M61, M127, Field, Raw, unpack_bits
from enigmalang.fields.arithmetic import at
from enigmalang.mpc import addends, deal, outputs
from enigmalang.mpc.bits import a2b, b2a
from enigmalang.mpc.compare import eqz, ltz
from enigmalang.mpc.divide import divc, divmod_, shr
from enigmalang.mpc.machine import execute
from enigmalang.mpc.multiply import mul
from enigmalang.mpc.outputs import fresh_elements, fresh_words
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.node.masking import Slot, draw_mask, draw_masks, mask_message, mask_value, unmask_share
from enigmalang.sharing import ArithShare, seeds, structure
from enigmalang.sharing.draws import Use
from enigmalang.sharing.streams import Stream
from enigmalang.transport.memory import run_parties
from enigmalang.wire.frames import Buffer

LANES = 2048
#: Chi-square of 64 cells, 63 degrees of freedom: above 220 with probability below 1e-16 (Chernoff: (x/k)^(k/2) *
#: e^((k-x)/2)); all checks here together raise a false alarm with probability below 1e-10.
LIMIT = 220.0
SECRETS = (0, -5)

PROTOCOLS: dict[str, Callable[[Party, ArithShare], object]] = {
    "ltz": ltz,
    "ltz, small": lambda party, x: ltz(party, x, 9),
    "eqz": eqz,
    "eqz, small": lambda party, x: eqz(party, x, 9),
    "a2b": lambda party, x: a2b(party, x, 8),
    "shr, exact": lambda party, x: shr(party, x, 9),
    "shr, fast": lambda party, x: shr(party, x, 9, exact=False),
    "divc": lambda party, x: divc(party, x, 10),
    "divc, large": lambda party, x: divc(party, x, (1 << (party.field.q - 2)) - 1),
    "divmod": lambda party, x: divmod_(party, x, x, 3),
}


@pytest.fixture(params=[(n, t, f) for n, t in [(3, 1), (4, 1), (5, 1), (5, 2)] for f in (M61, M127)],
                ids=lambda p: f"{p[0]}-{p[1]}-{p[2]}")
def committee(request: pytest.FixtureRequest) -> Committee:
    return Committee(*request.param)


# ------------------------------------------------------------ the test of uniformity


def chi_square(cells: Any) -> float:
    counts = np.bincount(np.asarray(cells).astype(np.int64), minlength=64)
    expected = len(cells) / 64
    return float(((counts - expected) ** 2).sum() / expected)


def ends(field: Field, values: Raw) -> tuple[Raw, Raw]:
    """The six lowest and the six highest bits of elements."""
    words = values.reshape(-1, field.limbs)
    return words[:, 0] & np.uint64(63), words[:, -1] >> np.uint64(field.q - 64 * (field.limbs - 1) - 6)


def irregularity(field: Field, values: Raw) -> float:
    """The largest chi-square of elements: of their low bits, high bits, and those of neighbours' differences."""
    flat = values.reshape(-1, *field.tail)
    assert len(flat) >= LANES
    return max(chi_square(cells) for v in (flat, field.sub(flat[1:], flat[:-1])) for cells in ends(field, v))


def test_the_limit_separates() -> None:
    for field in (M61, M127):
        uniform = np.frombuffer(np.random.default_rng(1).bytes(LANES * field.nbytes), np.uint64)
        uniform = uniform.reshape(LANES, *field.tail).copy()
        field.mask_words(uniform)
        assert irregularity(field, uniform) < LIMIT
        assert irregularity(field, field.from_ints(np.arange(LANES))) > LIMIT
        for secret in SECRETS:
            assert irregularity(field, field.from_ints(np.full(LANES, secret))) > LIMIT


# ------------------------------------------------------------ openings inside protocols


class Watch:
    """Writes down, at every party, the pieces of each mask and the value of each opening inside the protocols."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.masks: dict[int, list[dict[tuple[int, ...], Raw]]] = {}
        self.opened: dict[int, list[Raw | None]] = {}
        draw, open_ = addends.random_pieces, addends.open_elements

        def random_pieces(streams: Any, field: Any, shape: Any, me: int, instruction: int, count: int) -> Raw:
            pieces = draw(streams, field, shape, me, instruction, count)
            rows = dict(zip(shape.held(me), pieces.copy(), strict=True))
            self.masks.setdefault(me, []).append(rows)
            return pieces

        def open_elements(party: Party, round_: Any, share: Raw, receivers: Any) -> Callable[[], Raw | None]:
            assert tuple(receivers) == party.structure.last
            finish = open_(party, round_, share, receivers)

            def watched() -> Raw | None:
                value = finish()
                assert (value is not None) == (party.me in receivers)
                self.opened.setdefault(party.me, []).append(None if value is None else value.copy())
                return value

            return watched

        patch.setattr(addends, "random_pieces", random_pieces)
        patch.setattr(addends, "open_elements", open_elements)

    def values(self, c: Committee) -> list[Raw]:
        """The openings in order; all receivers have the same."""
        receivers = structure(c.n, c.t).last
        rows = [self.opened[i] for i in receivers]
        assert rows[0] and all(len(row) == len(self.masks[1]) for row in rows)
        for values in zip(*rows, strict=True):
            assert all(np.array_equal(values[0], other) for other in values)
        return [value for value in rows[0] if value is not None]

    def mask(self, number: int) -> dict[tuple[int, ...], Raw]:
        """All pieces of a mask; the members of a set drew the same."""
        pieces: dict[tuple[int, ...], Raw] = {}
        for rows in self.masks.values():
            for subset, row in rows[number].items():
                assert np.array_equal(pieces.setdefault(subset, row), row)
        return pieces


def worst(c: Committee, secret: int, name: str, before: Callable[[pytest.MonkeyPatch], None] | None = None) -> float:
    """The largest irregularity of what is opened, of differences of two openings (they would show a mask used
    twice), and of what a coalition of t parties has left when it takes off the pieces it knows.
    """
    with pytest.MonkeyPatch.context() as patch:
        if before:
            before(patch)
        watch = Watch(patch)
        shares = c.deal(np.full(LANES, secret))
        c.run(lambda party: PROTOCOLS[name](party, shares(party)))
    values, found = watch.values(c), [0.0]
    for number, value in enumerate(values):
        found.append(irregularity(c.field, value))
        pieces = watch.mask(number)
        for coalition in combinations(range(1, c.n + 1), c.t):
            left = value
            for subset, piece in pieces.items():
                if set(subset) & set(coalition):
                    left = c.field.sub(left, piece)
            found.append(irregularity(c.field, left))
    for one, other in pairwise(values):
        found.append(irregularity(c.field, c.field.sub(one[:LANES], other[:LANES])))
    return max(found)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_opened_values_are_uniform_also_to_a_coalition(committee: Committee, name: str) -> None:
    for secret in SECRETS:
        assert worst(committee, secret, name) < LIMIT


def no_masks(patch: pytest.MonkeyPatch) -> None:
    def zeros(streams: Any, field: Any, shape: Any, me: int, instruction: int, count: int) -> Raw:
        return field.zeros((len(shape.held(me)), count))

    patch.setattr(addends, "random_pieces", zeros)
    patch.setattr(seeds, "_mixed", lambda field, value, table, seeds: value.x)
    patch.setattr(seeds, "xor_bits", lambda words, seeds, lanes: None)


def one_set_without_mask(patch: pytest.MonkeyPatch) -> None:
    """The sum stays uniform, but t parties know all of it."""
    draw = addends.random_pieces

    def mostly(streams: Any, field: Any, shape: Any, me: int, instruction: int, count: int) -> Raw:
        pieces = draw(streams, field, shape, me, instruction, count)
        for row, subset in zip(pieces, shape.held(me), strict=True):
            if subset == shape.last:
                row[:] = 0
        return pieces

    patch.setattr(addends, "random_pieces", mostly)


def one_instruction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Party, "fresh", lambda self: 1)


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("mutation", [no_masks, one_set_without_mask])
def test_missing_masks_would_be_noticed(name: str, mutation: Callable[[pytest.MonkeyPatch], None]) -> None:
    for secret in SECRETS:
        assert worst(Committee(3, 1, M61), secret, name, mutation) > LIMIT
        assert worst(Committee(5, 2, M127), secret, name, mutation) > LIMIT


@pytest.mark.parametrize("name", ["divc", "divmod"])
def test_a_mask_used_twice_would_be_noticed(name: str) -> None:
    assert worst(Committee(3, 1, M61), 0, name, one_instruction) > LIMIT


# ------------------------------------------------------------ dealings: b2a and products open nothing, they deal


def dealt(c: Committee, protocol: Callable[[Party], object]) -> float:
    """The largest irregularity of the elements that any party receives, in any message."""
    received: list[Raw] = []
    with pytest.MonkeyPatch.context() as patch:
        sized = Party._sized

        def watched(party: Party, frames: Mapping[int, Buffer], expects: dict[int, int]) -> dict[int, memoryview]:
            views = sized(party, frames, expects)
            received.extend(np.frombuffer(data, np.uint64).reshape(-1, *c.field.tail) for data in views.values())
            return views

        patch.setattr(Party, "_sized", watched)
        c.run(protocol)
    assert received
    return max(irregularity(c.field, values) for values in received)


def dealings(c: Committee) -> Iterator[float]:
    for bit in (0, 1):
        bits = c.deal_bits(np.full(LANES, bit))
        yield dealt(c, lambda party, bits=bits: b2a(party, bits(party)))  # type: ignore[misc]
    for secret in SECRETS:
        x = c.deal(np.full(LANES, secret))
        yield dealt(c, lambda party, x=x: mul(party, x(party), x(party)))  # type: ignore[misc]
        if c.t == 1:  # all messages are elements: what is opened, and the parts and top bits of addends
            yield dealt(c, lambda party, x=x: shr(party, x(party), 9, exact=False))  # type: ignore[misc]


def test_dealt_elements_are_uniform(committee: Committee) -> None:
    assert all(value < LIMIT for value in dealings(committee))


def test_dealing_without_randomness_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of products this shows only that the dealt shares are far from uniform: factors' shares are random."""

    def zeros(party: Party, peer: int, instruction: int, dealer: int, out: Raw) -> Raw:
        out[:] = 0
        return out

    def use_zeros(field: Any, streams: Sequence[Any], instruction: int, count: int, per: int, use: Use) -> None:
        words = field.zeros((len(streams), count * per))
        use(0, count, at(words), count * per)

    monkeypatch.setattr(deal, "_pair_elements", zeros)  # at who draws them too
    monkeypatch.setattr(deal, "use_elements", use_zeros)
    for n, t in ((3, 1), (5, 2)):
        b2a_of_0, b2a_of_1, *_ = dealings(Committee(n, t, M61))
        assert b2a_of_0 > LIMIT and b2a_of_1 > LIMIT


# ------------------------------------------------------------ masked inputs


def published(c: Committee, secret: int, bits: bool) -> bytes:
    """m = x - r, as the client publishes it; the nodes' shares of x are checked."""
    shape, slot = structure(c.n, c.t), Slot((LANES,), bits)

    def draw(party: Party) -> Any:
        return draw_mask(slot, party.streams, shape, party.me, party.fresh())

    masks = dict(zip(shape.parties, c.run(draw), strict=True))
    messages = {i: mask_message(mask, shape) for i, mask in masks.items()}
    out = mask_value(np.full(LANES, secret), slot, c.field.name, shape, messages)
    for i, mask in masks.items():
        unmask_share(mask, out, c.field, shape, i)
    return out


def test_masked_inputs_are_uniform(committee: Committee) -> None:
    for secret in SECRETS:
        data = published(committee, secret, bits=False)
        assert irregularity(committee.field, committee.field.from_bytes(data, (LANES,))) < LIMIT
    for bit in (0, 1):
        assert abs(ones(published(committee, bit, bits=True)) - LANES / 2) < BITS_OFF


#: Hoeffding: LANES coins have this many ones too many or too few with probability below 2e^(-2*320^2/LANES) < 1e-42.
BITS_OFF = 320


def ones(data: bytes) -> int:
    return int(unpack_bits(np.frombuffer(data, np.uint64)[None], LANES).sum())


def test_inputs_without_masks_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    no_masks(monkeypatch)
    c = Committee(3, 1, M61)
    for secret in SECRETS:
        data = published(c, secret, bits=False)
        assert irregularity(c.field, c.field.from_bytes(data, (LANES,))) > LIMIT
    for bit in (0, 1):
        assert abs(ones(published(c, bit, bits=True)) - LANES / 2) > BITS_OFF


# ------------------------------------------------------------ sealed outputs


def sealed_elements(c: Committee, secret: int) -> float:
    """What is in the pieces for a receiver who gets a secret whose polynomial was constant: given the secret,
    any t pieces are uniform together. Of pairs, all sums and differences are tested.
    """
    raw = c.field.from_ints(np.full(LANES, secret))
    pieces = c.run(lambda party: fresh_elements(party, ArithShare(c.field, raw)))
    found = [irregularity(c.field, piece) for piece in pieces]
    if c.t >= 2:
        for one, other in combinations(pieces, 2):
            found += [irregularity(c.field, c.field.add(one, other)), irregularity(c.field, c.field.sub(one, other))]
    return max(found)


def sealed_words(c: Committee, bit: int) -> int:
    """The largest imbalance of the words for a receiver, alone and of n - 1 together."""
    bits = c.deal_bits(np.full(LANES, bit))
    words = c.run(lambda party: fresh_words(party, bits(party).words))
    every = np.bitwise_xor.reduce(np.stack(words), axis=0)
    assert set(unpack_bits(every[None], LANES).reshape(-1).tolist()) == {bit}
    return max(abs(ones(row.tobytes()) - LANES // 2) for word in words for row in (word, word ^ every))


def test_sealed_pieces_are_fresh(committee: Committee) -> None:
    for secret in SECRETS:
        assert sealed_elements(committee, secret) < LIMIT
    for bit in (0, 1):
        assert sealed_words(committee, bit) < BITS_OFF


def test_pieces_that_are_not_fresh_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "zero_share", lambda s, field, shape, me, i, count: field.zeros((count,)))
    monkeypatch.setattr(outputs, "zero_words", lambda s, shape, me, i, count: np.zeros(count, np.uint64))
    for secret in SECRETS:
        assert sealed_elements(Committee(5, 2, M61), secret) > LIMIT
    assert sealed_words(Committee(4, 1, M61), 0) > BITS_OFF  # party 4 is the least of no set: it gave zeros


# ------------------------------------------------------------ key streams are used once


def circuit() -> Circuit:
    """Inputs and a kept value to every kind of protocol, opened, kept and sealed."""
    a, b = Form.ARITH, Form.BITS
    nodes: list[Node] = []

    def add(op: str, args: tuple[int, ...], form: Form, shape: tuple[int, ...] = (70,), **attrs: object) -> int:
        nodes.append(Node(op, args, shape, form, attrs))
        return len(nodes) - 1

    x, y = add("input", (), a, slot=0), add("load", (), a, handle=1)
    bit = add("input", (), b, slot=1)
    both = add("mul", (x, y), a)
    less, zero = add("ltz", (both,), b), add("eqz", (x,), b)
    either = add("and", (less, bit), b)
    number = add("b2a", (either,), a)
    chosen = add("select", (number, x, y), a)
    inner = add("dot", (x, y), a, ())
    shifted = add("shr", (both,), a, f=3, mode="exact")
    third = add("divc", (both,), a, divisor=3)
    halves = add("divmod", (x, x), a, (2, 70), bits=6)
    low = add("a2b", (x,), b, (70, 6), bits=6)
    mixed = add("shuffle", (x, y), a, (2, 70))
    places = add("const", (), a, value=np.arange(70))
    placed = add("permute", (places, x), a, (1, 70))
    bounds = ((-(2**40), 2**40),)
    ordered = add("sort", (places, x), a, (2, 70), keys=1, ranges=bounds, ranks=None)
    counted = add("sort", (number,), a, (1, 70), keys=1, ranges=((0, 1),), ranks=None)
    keeps = ((third, 1), (less, 2))
    outs = (Output(chosen, 0), Output(low, 0))
    opens = (inner, shifted, zero, halves, mixed, placed, ordered, counted)
    return Circuit("M61", tuple(nodes), opens=opens, outputs=outs, keeps=keeps)


def draws(c: Committee, sessions: tuple[bytes, ...] = (b"one", b"two"), runs: int = 3) -> list[Counter[object]]:
    """How often each party began each (key, instruction, purpose, word), over sessions with the same keys."""
    uses: list[Counter[object]] = []
    with pytest.MonkeyPatch.context() as patch:
        begin, seek = Stream.__init__, Stream.seek
        keys: dict[int, tuple[Stream, bytes]] = {}
        counts: dict[int, Counter[object]] = {}
        local: dict[int, int] = {}

        def named(stream: Stream, key: bytes) -> None:
            begin(stream, key)
            keys[id(stream)] = stream, key

        def counted(stream: Stream, instruction: int, purpose: int = 0, word: int = 0) -> None:
            assert 0 <= instruction < 1 << 48 and 0 <= purpose < 1 << 16 and word % 2 == 0 and 0 <= word < 1 << 60
            me = local[get_ident()]
            counts[me][keys[id(stream)][1], instruction, purpose, word] += 1
            seek(stream, instruction, purpose, word)

        patch.setattr(Stream, "__init__", named)
        patch.setattr(Stream, "seek", counted)
        recipient = X25519PrivateKey.generate().public_key().public_bytes_raw()

        def start(network: Any) -> None:
            local[get_ident()] = network.me
            counts[network.me] = Counter()
            pairs = exchange_keys(network, c.t)
            for session in sessions:
                party = Party(network, pairs, c.field, session)
                raw = party.field.from_ints(np.arange(70))
                memory: dict[int, Any] = {1: ArithShare(party.field, raw)}
                for _ in range(runs):
                    inputs = {}
                    for slot, bits in ((0, False), (1, True)):
                        kind = Slot((70,), bits)
                        (mask,) = draw_masks(party, [kind])
                        masked = bytes(kind.nbytes(party.field))
                        inputs[slot] = unmask_share(mask, masked, party.field, party.structure, party.me)
                    execute(party, circuit(), inputs, memory, [recipient])

        run_parties(c.n, start, seconds=60)
        uses = [counts[i] for i in sorted(counts)]
    return uses


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 1), (5, 2)])
def test_no_part_of_a_key_stream_is_used_twice(n: int, t: int) -> None:
    for party in draws(Committee(n, t, M61)):
        assert len(party) > 100
        assert set(party.values()) == {1}


@pytest.mark.parametrize("round_bytes", [-1, 1 << 40])
def test_wide_committees_use_streams_once(round_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With kings and without (`mpc.wide`)."""
    monkeypatch.setattr("enigmalang.mpc.wide.kings.ROUND_BYTES", round_bytes)
    assert structure(8, 3).wide
    for party in draws(Committee(8, 3, M61), sessions=(b"one",), runs=2):
        assert len(party) > 100
        assert set(party.values()) == {1}


def test_streams_used_twice_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(max(party.values()) > 1 for party in draws(Committee(3, 1, M61), sessions=(b"one", b"one"), runs=1))
    one_instruction(monkeypatch)
    assert all(max(party.values()) > 1 for party in draws(Committee(3, 1, M61), sessions=(b"one",), runs=1))
