"""The places where values get out, as a table: which operands, to whom, under which code, and the fix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enigmalang.ir.ir import Operation, Value
from enigmalang.source import Span

Picker = Callable[[Operation], Sequence[Value]]

_REVEAL = "write `reveal(…)` around it if everyone may learn it"


def _all(op: Operation) -> Sequence[Value]:
    return op.operands


def _first(op: Operation) -> Sequence[Value]:
    return op.operands[:1]


def _rest(op: Operation) -> Sequence[Value]:
    return op.operands[1:]


def _last(op: Operation) -> Sequence[Value]:
    return op.operands[-1:]


def _but_last(op: Operation) -> Sequence[Value]:
    return op.operands[:-1]


def _ranks(op: Operation) -> Sequence[Value]:
    return op.operands[-1:] if op.attrs["ranked"] else ()


def _db_keys(op: Operation) -> Sequence[Value]:
    return op.operands[:op.attrs["keys"]]


def _db_values(op: Operation) -> Sequence[Value]:
    if op.attrs["db"] == "MPC":
        return ()
    return op.operands[op.attrs["keys"]:]


@dataclass(frozen=True, slots=True)
class Exit:
    """`values` gives the operands that must be public; `text` says who would learn them, after "… is private, and"."""

    code: str
    values: Picker
    text: str
    help: str = _REVEAL
    at_value: bool = False  # point at the value's own place rather than at the operation

    def place(self, op: Operation, value: Value) -> Span:
        return value.span if self.at_value else op.span


_KEY = Exit("E0309", _all, "keys are public: everyone would see which entry is meant",
            "use a list and a private index, or `reveal` the key if everyone may learn it")
_REQUIRE_HELP = "write `require reveal(c)` if everyone may learn whether it holds, or use a private `if`"
_BOUND = "how often the loop runs is public"
_LENGTH = "lengths are public"
_SHIFT_HELP = "use a public one, or choose among the possible results by comparisons"

#: By operation; what is not listed keeps its operands to itself.
EXITS: dict[str, tuple[Exit, ...]] = {
    "print": (Exit("E0301", _all, "`print` would show it to everyone who sees the output"),),
    "emit": (Exit("E0310", _all, "everyone can read events on the ledger",
                  "leave it out of the event, or emit `reveal(…)` if everyone may learn it"),),
    "require": (Exit("E0302", _first, "everyone would see whether this `require` failed", _REQUIRE_HELP),
                Exit("E0301", _rest, "everyone would read it in the failure")),
    "assert": (Exit("E0302", _first, "everyone would see whether this `assert` failed",
                    "write `assert reveal(c)` if everyone may learn whether it holds"),
               Exit("E0301", _rest, "everyone would read it in the failure")),
    "raise": (Exit("E0301", _all, "everyone would read it in the failure"),),
    "send": (Exit("E0301", _all, "everyone sees payments on the ledger"),),
    "external_call": (Exit("E0301", _all, "everyone sees what is passed to another contract"),),
    "reveal_to": (Exit("E0314", _rest, "who receives a value is public",
                       "name the receiver publicly"),),
    "map_get": (_KEY,),
    "map_has": (_KEY,),
    "map_set": (Exit("E0309", _but_last, _KEY.text, _KEY.help),),
    "read_contract": (_KEY,),
    "db_get": (_KEY,),
    "db_get_at": (_KEY,),
    "db_has": (_KEY,),
    "db_history": (_KEY,),
    "declassify": (_KEY,),
    "db_set": (Exit("E0309", _db_keys, _KEY.text, _KEY.help),
               Exit("E0315", _db_values, "others can read what is stored there",
                    "store it under `MPC`, or store `reveal(…)` if everyone may learn it")),
    "range": (Exit("E0306", _all, _BOUND,
                   "loop up to a public bound, and choose inside: `if i < n:`; or `reveal` the bound"),),
    "slice": (Exit("E0313", _rest, f"it decides the length of the slice, and {_LENGTH}",
                   "use public bounds, or keep all elements and choose a neutral one"),),
    "gather": (Exit("E0313", _rest, "places of elements are public here"),),
    "sort": (Exit("E0313", _ranks, "which places of the order are asked for is public"),),
    "pow": (Exit("E0407", _last, "the exponent must be public", _SHIFT_HELP),),
    "shl": (Exit("E0407", _last, "the count of a shift must be public", _SHIFT_HELP),),
    "shr": (Exit("E0407", _last, "the count of a shift must be public", _SHIFT_HELP),),
    "acting": (Exit("E0314", _all, "who acts is public", "name the identity publicly"),),
    "predicate": (Exit("E0314", _all, "predicates are evaluated by the chain, in public", "use public values"),),
    "shared_identity": (Exit("E0314", _all, "identities are public", "use public values"),),
    "advance": (Exit("E0301", _all, "time is public"),),
    "expect_revert": (Exit("E0301", _all, "the expected text is public"),),
}
