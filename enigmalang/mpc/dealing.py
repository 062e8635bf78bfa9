"""The resharing under every product, in one pass over memory on each side of its messages.

Adversary: honest but curious, at most t parties together. One round. A dealer's value, the shares it makes of it and
what it has of its own new share are one kernel's work, with the pseudo-random shares drawn in cached parts; another
kernel checks and adds what is received.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from enigmalang.fields import Field, Raw, words_from
from enigmalang.fields.arithmetic import at
from enigmalang.fields.warm import kernels
from enigmalang.mpc.party import PIECE, Finish, Party, Round
from enigmalang.sharing.draws import use_elements
from enigmalang.sharing.local import Local, Recipe, between, dealer
from enigmalang.sharing.shamir import lagrange, table_of
from enigmalang.sharing.structure import Structure

#: So many pieces are under way before one is waited for: 8 MB, more than a link of 1 Gbit/s and 50 ms holds.
WINDOW = 8


@dataclass(frozen=True, slots=True)
class _Role:
    """What a party does in a resharing: `silent` have their shares of its values from the key streams, `spoken` are
    sent theirs (in the order of the recipe's messages); it draws its shares of `drawn`'s values, and hears `heard`.
    """

    silent: tuple[int, ...]
    spoken: tuple[int, ...]
    drawn: tuple[int, ...]
    heard: tuple[int, ...]
    recipe: Recipe


@lru_cache(maxsize=256)
def _role(field: Field, shape: Structure, me: int) -> _Role:
    dealers = shape.dealers
    drawn = tuple(d for d in dealers if d != me and me in shape.after(d, shape.t))
    heard = tuple(d for d in dealers if d != me and d not in drawn)
    if me not in dealers:
        return _Role((), (), drawn, heard, Recipe(at(field.zeros((1, 1))), 0, 0, len(drawn)))
    silent = shape.after(me, shape.t)
    spoken = tuple(j for j in shape.parties if j != me and j not in silent)
    weight = lagrange(field.p, dealers, 0)[me - 1]
    lines = [lagrange(field.p, (0, *silent), point) for point in (*spoken, me)]
    table = table_of(field, [[a * weight, *rest] for a, *rest in lines])
    return _Role(silent, spoken, drawn, heard, Recipe(at(table), len(spoken), len(silent), len(drawn)))


def reshare(party: Party, round_: Round, locals_: Sequence[Local]) -> Finish[Raw]:
    """Products of shares, of degree 2t, to fresh shares of degree t, (sum of counts,); a selection's y is added.

    Gennaro, Rabin, Rabin, PODC 1998, with pseudo-random shares. One round; per dealing party n - 1 - t elements
    a product.
    """
    field = party.field
    count = sum(local.count for local in locals_)
    own = field.empty((count,))

    def piece(part: slice) -> Finish[None]:
        locals_of_it = locals_ if count <= PIECE else between(field, locals_, part.start, part.stop)
        return _reshare_piece(party, round_, locals_of_it, own[part])

    finish = in_pieces(round_, count, piece)

    def finished() -> Raw:
        finish()
        return own

    return finished


def in_pieces(
    round_: Round, count: int, begin: Callable[[slice], Finish[None]], window: int = WINDOW
) -> Finish[None]:
    """A round on `count` elements in parts: each piece is sent while the next is worked out, and its finisher called
    when it came, `window` pieces later or at the end.
    """
    waiting: deque[Finish[None]] = deque()
    for start in range(0, max(count, 1), PIECE):
        if start:
            round_.post_part()
        if len(waiting) == window:
            waiting.popleft()()
        waiting.append(begin(slice(start, min(start + PIECE, count))))

    def finish() -> None:
        while waiting:
            waiting.popleft()()

    return finish


def _reshare_piece(party: Party, round_: Round, locals_: Sequence[Local], own: Raw) -> Finish[None]:
    """Puts the new shares into `own`."""
    field, role = party.field, _role(party.field, party.structure, party.me)
    count = field.size_of(own)
    messages = field.empty((len(role.spoken), count))
    streams = [(party.streams.of_pair(peer), party.me) for peer in role.silent]
    streams += [(party.streams.of_pair(dealer), dealer) for dealer in role.drawn]
    deal = dealer(field, locals_, role.recipe, messages, own)
    use_elements(field, streams, party.fresh(), count, 1, deal)
    party.counters.products += count
    for peer, share in zip(role.spoken, messages, strict=True):
        round_.send(peer, share)
    slots = [(dealer, round_.expect(dealer, count * field.nbytes)) for dealer in role.heard]

    def finish() -> None:
        parts = [words_from(slot()) for _, slot in slots]
        if not kernels().prime[field.q].gather(own, parts, count):
            for dealer, slot in slots:
                party.elements_from(dealer, slot(), (count,))  # raises for the one at fault

    return finish
