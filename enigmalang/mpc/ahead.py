"""Preprocessing: work that needs no input, done in idle time, in steps that are short and equal at all parties.

Adversary: honest but curious, at most t parties together; what is made is uniform to any t of them. Its rounds,
bytes and products are counted apart (`Party.ahead`), never among those of the runs.
"""

import os

from enigmalang.fields import unpack_bits
from enigmalang.mpc.bits import make_integers
from enigmalang.mpc.party import Party
from enigmalang.mpc.pipeline import run
from enigmalang.mpc.stock import CAPACITY
from enigmalang.mpc.tables import STEP as TABLES
from enigmalang.mpc.tabulate import make_tables
from enigmalang.mpc.wide.masks import random_masks
from enigmalang.sharing.pseudorandom import random_bit_words

#: Set to 0 in the environment of all nodes, they make nothing ahead: for measuring what runs cost without.
SWITCH = "ENIGMALANG_STOCK"
#: Random bits made at a time: a few milliseconds.
STEP = 1 << 12
#: Tables are made for committees of so few pieces: up to n = 5. For more of them a step would not be short.
FEW_PIECES = 6


def replenish(party: Party) -> bool:
    """One step; whether there is more to do. Every party calls this at the same place of the session."""
    if not _wanted():
        return False
    count = min(_step(party), CAPACITY - party.stock.bits)
    wanted = party.tables.capacity - len(party.tables) if _makes_tables(party) else 0
    with party.counting_ahead():
        if count:
            random_bits(party, count)
        elif wanted:
            make_tables(party, min(TABLES, wanted))
    return party.stock.bits < CAPACITY or wanted > TABLES


def begin(party: Party) -> None:
    """What a session starts with, before anything is asked: one step of each kind, for its first small runs."""
    if not _wanted():
        return
    with party.counting_ahead():
        random_bits(party, _step(party))
        if _makes_tables(party):
            make_tables(party, TABLES)


def _wanted() -> bool:
    return os.environ.get(SWITCH) != "0"


def _makes_tables(party: Party) -> bool:
    return not party.structure.wide and party.pieces <= FEW_PIECES


def _step(party: Party) -> int:
    return STEP // party.n if party.structure.wide else STEP


def random_bits(party: Party, count: int) -> None:
    """Put `count` random bits into the stock.

    Replicated bits cost nothing (Cramer, Damgard, Ishai 2005), those of a wide committee one round of dealings; their
    integers are made by the conversion that takes nothing from the stock. Rounds and products: those of `bits.b2a`.
    """
    if party.structure.wide:
        (words,) = random_masks(party, [(count, True)])
    else:
        words = random_bit_words(party.streams, party.structure, party.me, party.fresh(), count)
    (elements,) = run(make_integers(party, words[:, None], count))
    party.stock.add_bits(unpack_bits(words, count), elements)
