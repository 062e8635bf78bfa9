"""Whom a value is sealed for before it leaves its client: everybody whom a predicate may ever let read it.

A predicate is looked at without asking the time or the chain: what may hold at some time counts as may. So the sealed
data is of no use to anybody else, whatever nodes do; that the time has come is what nodes check before they give it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from enigmalang.execute.ports import Predicate

#: The members of a shared identity, each with its policy; nothing for any other address.
Members = Callable[[str], Sequence[tuple[str, Predicate]]]
#: Whether something can be true, and whether it can be false.
_Can = tuple[bool, bool]
_YES, _NO, _EITHER = (True, False), (False, True), (True, True)


class Unsealable(Exception):
    """A predicate that does not say for whom to seal; the text says why."""


def check_sealable(predicate: Predicate) -> None:
    """Raises Unsealable. Addresses do not matter here."""
    if predicate.name != "anyone" and _possible(predicate, "a stranger", "the owner", _nobody)[0]:
        raise Unsealable("the predicate also lets people read whom it does not name, and data is sealed for named ones")


def readers_of(predicate: Predicate, owner: str, members: Members) -> tuple[str, ...] | None:
    """The addresses, sorted, each with keys of its own; None for anyone, in the clear. The owner reads in any case, a
    shared one through those of its members whose policies let them. Raises Unsealable.
    """
    check_sealable(predicate)
    if predicate.name == "anyone":
        return None
    known = {address: members(address) for address in (owner, *_named(predicate))}
    everyone = {*known, *(member for row in known.values() for member, _ in row)}
    people = sorted(each for each in everyone if not members(each))
    return tuple(each for each in people if _acts_for(owner, each, members)[0]
                 or _possible(predicate, each, owner, members)[0])


def _nobody(address: str) -> Sequence[tuple[str, Predicate]]:
    return ()


def _named(predicate: Predicate) -> Iterator[str]:
    for arg in predicate.args:
        if isinstance(arg, Predicate):
            yield from _named(arg)
        elif isinstance(arg, str):
            yield arg


def _possible(predicate: Predicate, who: str, owner: str, members: Members) -> _Can:
    """Whether `predicate` may let `who` alone read what `owner` has."""
    args = predicate.args
    match predicate.name:
        case "anyone":
            return _YES
        case "owner":
            return _acts_for(owner, who, members)
        case "only_compute":
            return _NO
        case "only":
            return _any([_acts_for(address, who, members) for address in args])
        case "members":
            return _YES if any(who == member for address in args for member, _ in members(address)) else _NO
        case "after" | "before":
            return _EITHER
        case "or":
            return _any([_possible(arg, who, owner, members) for arg in args])
        case "and":
            return _not(_any([_not(_possible(arg, who, owner, members)) for arg in args]))
        case "not":
            return _not(_possible(args[0], who, owner, members))
        case "at_least":
            raise Unsealable("`at_least` asks several readers at once, and nodes are asked by one")
        case name:
            raise Unsealable(f"whom `{name}` lets read is known only when somebody does, and data is sealed before")


def _acts_for(address: str, who: str, members: Members) -> _Can:
    """As itself, or as a member whose policy lets it; in a policy `owner` means whatever an owner may."""
    if who == address:
        return _YES
    return _any([_possible(policy, who, who, members) for member, policy in members(address) if member == who])


def _any(found: Sequence[Any]) -> _Can:
    return any(can for can, _ in found), all(cannot for _, cannot in found)


def _not(can: _Can) -> _Can:
    return can[1], can[0]
