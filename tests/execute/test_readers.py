"""Whom stored data is sealed for: everybody whom the predicate may ever let read, and nobody else."""

from itertools import product

import pytest

from enigmalang.execute.readers import Unsealable, check_sealable, readers_of
from enigmalang.identity.keys import Keystore
from enigmalang.identity.predicates import ANYONE, OWNER, Predicate, Question, allows

KEYS = Keystore()
ALICE, BOB, CAROL, EVE = (KEYS.get(name).address for name in ("alice", "bob", "carol", "eve"))
DOCTORS = KEYS.share(((ALICE, OWNER), (BOB, Predicate("only_compute")))).address
PEOPLE = (ALICE, BOB, CAROL, EVE)


def p(name: str, *args: object) -> Predicate:
    return Predicate(name, args)


LEAVES = (OWNER, p("only", BOB), p("only", BOB, CAROL), p("members", DOCTORS), p("only", DOCTORS), p("after", 10),
          p("before", 10), p("not", p("only", BOB)), p("only_compute"))
PAIRS = [p(joined, a, b) for joined, a, b in product(("and", "or"), LEAVES, LEAVES)]


def _at_some_time(predicate: Predicate, who: str, owner: str) -> bool:
    shared = {DOCTORS: KEYS.members(DOCTORS)}
    return any(allows(asked, Question(who, frozenset([who]), owner, "read", now, shared, lambda *_: False))
               for now in (5, 15) for asked in (predicate, OWNER))


@pytest.mark.parametrize("owner", (ALICE, EVE, DOCTORS))
def test_readers_are_those_whom_the_predicate_lets(owner: str):
    sealed = 0
    for predicate in (*LEAVES, *PAIRS):
        stranger = _at_some_time(predicate, KEYS.get("a stranger").address, owner)
        try:
            readers = readers_of(predicate, owner, KEYS.members)
        except Unsealable as error:
            assert "whom it does not name" in str(error)
            # With `before & after` of times that never meet, more is refused than need be.
            assert stranger or {"after", "before"} <= {arg.name for arg in predicate.args}
            continue
        sealed += 1
        assert readers is not None and not stranger
        allowed = {who for who in PEOPLE if _at_some_time(predicate, who, owner)}
        assert allowed <= set(readers), predicate
        if not {"after", "before"} & {arg.name for arg in predicate.args if isinstance(arg, Predicate)}:
            assert allowed == set(readers), predicate
    assert sealed > 80


def test_anyone_is_in_the_clear_and_what_names_nobody_is_refused():
    assert readers_of(ANYONE, ALICE, KEYS.members) is None
    assert readers_of(p("and", p("only", BOB), p("only", CAROL)), ALICE, KEYS.members) == (ALICE,)
    for predicate, said in ((p("not", p("only", BOB)), "not name"), (p("after", 3), "not name"),
                            (p("at_least", 2, BOB, CAROL), "at_least"), (p("paid"), "`paid`"),
                            (p("and", p("only", BOB), p("paid")), "`paid`")):
        with pytest.raises(Unsealable, match=said):
            check_sealable(predicate)
