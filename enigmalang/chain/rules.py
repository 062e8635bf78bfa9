"""Predicates (language.md §6) as the hub keeps them: postfix programs of words, `operation << 248 | operand`.

A predicate is anything with a `name` and `args`, as identity/predicates.py and execute/ports.py have it. What the words
mean is written in `contracts/identities.vy`; a test compares the hub's answers with the predicates' own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from enigmalang.chain.digests import keccak
from enigmalang.ethereum.words import number_word

#: Words of a rule at most.
MAX_WORDS = 64
_SHIFT = 248
ANYONE, OWNER, ONLY_COMPUTE, AND, OR, NOT, ONLY, MEMBER, COUNT, AFTER, BEFORE, AT_LEAST, CALL = range(1, 14)
_NAMES = {ANYONE: "anyone", OWNER: "owner", ONLY_COMPUTE: "only_compute", AND: "and", OR: "or", NOT: "not",
          ONLY: "only", MEMBER: "members", COUNT: "count", AFTER: "after", BEFORE: "before", AT_LEAST: "at_least"}
_ADDRESS = (1 << 160) - 1
_OPERAND = (1 << _SHIFT) - 1
_ASKER_FIRST = 1 << 200


class RuleError(ValueError):
    """A predicate that the hub cannot keep."""


@runtime_checkable
class Tree(Protocol):
    """A predicate: a name and its arguments."""

    @property
    def name(self) -> str: ...
    @property
    def args(self) -> Sequence[object]: ...


@dataclass(frozen=True, slots=True)
class Own:
    """A user's predicate on the chain: a view `signature` (`"paid(address)"`) of the contract at `address`.

    `words` are its arguments, abi-encoded after the first: with `asker_first`, the first one is who asks, and `words`
    are the encoding's words behind it.
    """

    address: str
    signature: str
    words: tuple[int, ...] = ()
    asker_first: bool = True


def words_of(predicate: Tree, own: Callable[[Tree], Own] | None = None) -> list[int]:
    """The program of `predicate`. `own` finds a user's predicate on the chain. Raises RuleError."""
    words = list(_words(predicate, own))
    if len(words) > MAX_WORDS:
        raise RuleError(f"a predicate has {MAX_WORDS} parts on the ledger at most, this one has {len(words)}")
    return words


def rule_name(words: Sequence[int]) -> bytes:
    """What the hub calls the rule: the hash of the words as an ABI array."""
    return keccak(b"".join(map(number_word, (32, len(words), *words))))


def rule_text(words: Sequence[int]) -> str:
    """The program, an operation a word, to be read by people."""
    shown, skip = [], 0
    for word in words:
        op, operand = word >> _SHIFT, word & _OPERAND
        if skip:
            skip -= 1
            shown.append(f"{word:#x}")
        elif op == CALL:
            skip = (operand >> 192) & 255
            shown.append(f"call({operand & _ADDRESS:#042x}, {(operand >> 160) & 0xFFFFFFFF:#010x})")
        elif op in (ONLY, MEMBER, COUNT):
            shown.append(f"{_NAMES[op]}({operand & _ADDRESS:#042x})")
        elif op in (AFTER, BEFORE, AT_LEAST):
            shown.append(f"{_NAMES[op]}({operand})")
        else:
            shown.append(_NAMES.get(op, f"unknown {op}"))
    return " ".join(shown)


def _words(predicate: Tree, own: Callable[[Tree], Own] | None) -> list[int]:
    args = list(predicate.args)
    match predicate.name:
        case "anyone":
            return [ANYONE << _SHIFT]
        case "owner":
            return [OWNER << _SHIFT]
        case "only_compute":
            return [ONLY_COMPUTE << _SHIFT]
        case "only":
            return _any([[_word(ONLY, _address(a))] for a in args], OR)
        case "members":
            return _any([[_word(MEMBER, _address(a))] for a in args], OR)
        case "after":
            return _timed(AFTER, _number(args[0]))
        case "before":
            return _timed(BEFORE, _number(args[0]))
        case "at_least":
            count = max(0, _number(args[0]))
            return [*(_word(COUNT, _address(a)) for a in args[1:]), _word(AT_LEAST, min(count, _OPERAND))]
        case "and" | "or":
            parts = [_words(_tree(a), own) for a in args]
            return _any(parts, OR) if predicate.name == "or" else _any(parts, AND)
        case "not":
            return [*_words(_tree(args[0]), own), NOT << _SHIFT]
        case name:
            if own is None:
                raise RuleError(f"the predicate {name} is in no contract on this chain")
            return _call(own(predicate))


def _any(parts: Sequence[Sequence[int]], op: int) -> list[int]:
    """Joined from the left; no part at all is what changes nothing: never for OR, always for AND."""
    if not parts:
        return [ANYONE << _SHIFT] if op == AND else [ANYONE << _SHIFT, NOT << _SHIFT]
    joined = list(parts[0])
    for part in parts[1:]:
        joined += [*part, op << _SHIFT]
    return joined


def _timed(op: int, when: int) -> list[int]:
    return [_word(op, min(max(when, 0), _OPERAND))]  # no block is before 0, none after 2^248


def _call(own: Own) -> list[int]:
    if len(own.words) > MAX_WORDS:
        raise RuleError(f"{own.signature} has too many arguments for a predicate on the ledger")
    selector = int.from_bytes(keccak(own.signature.encode())[:4], "big")
    operand = _address(own.address) | selector << 160 | len(own.words) << 192 | own.asker_first * _ASKER_FIRST
    return [_word(CALL, operand), *own.words]


def _word(op: int, operand: int) -> int:
    return op << _SHIFT | operand


def _tree(value: object) -> Tree:
    if not isinstance(value, Tree):
        raise RuleError(f"{value} is no predicate")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise RuleError(f"{value} is no number")
    return value


def _address(value: object) -> int:
    text = str(value)
    if not text.startswith("0x") or len(text) != 42:
        raise RuleError(f"{text} is no address")
    return int(text, 16)
