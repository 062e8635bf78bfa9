"""Predicates: who may, decided from public facts alone (language.md §6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Predicate:
    """A built-in's name, or a user's predicate (`function`), with its arguments.

    Arguments: addresses (only), an address of a shared identity (members), a time (after, before), a number and an
    address (at_least), predicates (and, or, not), leaves of any public type (a user's own).
    """

    name: str
    args: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})" if self.args else self.name


OWNER, ANYONE = Predicate("owner"), Predicate("anyone")


@dataclass(frozen=True, slots=True)
class Question:
    """`who` asks (together with all `signers`) to do `action` ("read", "compute") with what belongs to `owner`."""

    who: str
    signers: frozenset[str]
    owner: str
    action: str
    now: int
    shared: Mapping[str, tuple[tuple[str, Predicate], ...]]  # address of a shared identity -> policies of its members
    own: Callable[[Predicate, str], bool]  # decides a user's predicate for an address


def allows(predicate: Predicate, question: Question) -> bool:
    """Whether `predicate` lets the question's asker act."""
    args = predicate.args
    match predicate.name:
        case "anyone":
            return True
        case "owner":
            return _acts_for(question.owner, question)
        case "only_compute":
            return question.action == "compute"
        case "only":
            return any(_acts_for(a, question) for a in args)
        case "members":
            return any(_member(a, question) for a in args)
        case "after":
            return bool(question.now >= args[0])
        case "before":
            return bool(question.now < args[0])
        case "at_least":
            return _at_least(int(args[0]), args[1:], question)
        case "and" | "or":
            answers = [allows(a, question) for a in args]
            return all(answers) if predicate.name == "and" else any(answers)
        case "not":
            return not allows(args[0], question)
        case _:
            return question.own(predicate, question.who)


def _acts_for(address: str, question: Question) -> bool:
    """As itself, or as a member of a shared identity whose policy lets it."""
    if question.who == address:
        return True
    return any(member == question.who and _policy_allows(policy, address, question)
               for member, policy in question.shared.get(address, ()))


def _policy_allows(policy: Predicate, group: str, question: Question) -> bool:
    """In a policy, `owner` means: whatever an owner may."""
    as_member = Question(question.who, question.signers, question.who, question.action, question.now,
                         question.shared, question.own)
    return allows(policy, as_member)


def _member(address: str, question: Question) -> bool:
    return any(member == question.who for member, _ in question.shared.get(address, ()))


def _at_least(count: int, of: tuple[Any, ...], question: Question) -> bool:
    """`of`: shared identities, whose members count, or plain addresses."""
    counted: set[str] = set()
    for address in of:
        members = question.shared.get(address)
        counted.update([address] if members is None else [member for member, _ in members])
    return len(counted & question.signers) >= count
