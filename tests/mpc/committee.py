"""What the protocol tests share: parties in threads, shared inputs, openings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from enigmalang.fields import Field, gf2k, pack_bits, unpack_bits
from enigmalang.mpc.opening import reveal, reveal_bits
from enigmalang.mpc.party import Party
from enigmalang.mpc.setup import exchange_keys
from enigmalang.sharing import ArithShare, BitShare, Structure, structure
from enigmalang.sharing.shamir import share
from enigmalang.transport.memory import run_parties

T = TypeVar("T")
Ints = list[int]


@dataclass(frozen=True)
class Committee:
    """n parties with threshold t over a field."""

    n: int
    t: int
    field: Field
    wide: bool | None = None

    @property
    def structure(self) -> Structure:
        return structure(self.n, self.t, self.wide)

    def run(self, body: Callable[[Party], T]) -> list[T]:
        """`body` at each party; the parties' results."""

        def start(network: Any) -> T:
            return body(Party(network, exchange_keys(network, self.t, wide=self.wide), self.field, b"test"))

        return run_parties(self.n, start, seconds=30)

    def deal(self, values: Any) -> Callable[[Party], ArithShare]:
        """Shares of an array of integers, dealt outside; give a party's."""
        raw = self.field.from_ints(np.array(values, dtype=object))
        shares = share(self.field, raw, self.n, self.t)
        return lambda party: ArithShare(self.field, shares[party.me])

    def deal_bits(self, bits: Any) -> Callable[[Party], BitShare]:
        """Shares of an array of bits, replicated or over GF(2^k), dealt outside."""
        array = np.array(bits, dtype=np.uint8)
        if self.structure.wide:
            return self._deal_planes(array)
        subsets = self.structure.subsets
        generator = np.random.default_rng()
        pieces = {a: generator.integers(0, 2, array.shape, dtype=np.uint8) for a in subsets[1:]}
        pieces[subsets[0]] = np.bitwise_xor.reduce([array, *pieces.values()])
        packed = {a: pack_bits(piece.reshape(1, -1)) for a, piece in pieces.items()}

        def pick(party: Party) -> BitShare:
            return BitShare(np.concatenate([packed[a] for a in party.held]), array.shape)

        return pick

    def _deal_planes(self, bits: Any) -> Callable[[Party], BitShare]:
        degree, generator = self.structure.degree, np.random.default_rng()
        powers = [[gf2k.power(degree, j, k) for k in range(self.t + 1)] for j in self.structure.parties]
        rows = np.zeros((self.t + 1, degree, (bits.size + 63) // 64), np.uint64)
        rows[0, 0] = pack_bits(bits.reshape(-1))
        rows[1:] = np.frombuffer(generator.bytes(rows[1:].nbytes), np.uint64).reshape(rows[1:].shape)
        shares = gf2k.combine(gf2k.spread(degree, powers), rows.reshape(-1, rows.shape[2]))
        shares = shares.reshape(self.n, degree, -1)
        return lambda party: BitShare(shares[party.me - 1].copy(), bits.shape)


def opened(party: Party, value: ArithShare | BitShare) -> list[int]:
    """Open to everyone: flat Python integers."""
    if isinstance(value, BitShare):
        return [int(b) for b in unpack_bits(reveal_bits(party, value), value.size)]
    return [int(v) for v in party.field.to_ints(reveal(party, value)).reshape(-1)]


def agreed(results: Sequence[T]) -> T:
    """The one result that all parties have."""
    assert all(result == results[0] for result in results)
    return results[0]


def centred(value: int, p: int) -> int:
    """The representative of least size."""
    value %= p
    return value - p if value > p // 2 else value


def edges(field: Field) -> Ints:
    """Signed values at the ends of the whole range."""
    half, quarter = field.p // 2, 1 << (field.q - 2)
    small = [0, 1, 2, 3, 1023, (1 << 31) - 1, 1 << 31, quarter - 1, quarter, quarter + 1, half - 1, half]
    return [*small, *(-v for v in small if v)]
