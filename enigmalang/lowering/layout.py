"""How a contract's state lies in slots: one per leaf."""

from dataclasses import dataclass

from enigmalang.ir.ir import Slot
from enigmalang.ir.leaves import leaves_of
from enigmalang.source import Span
from enigmalang.types.types import Label, Type


@dataclass(frozen=True, slots=True)
class StateLayout:
    """One declared state variable: its slots stand in the order of `leaves_of(type)`."""

    name: str
    type: Type
    private: bool
    slots: tuple[Slot, ...]


Layout = dict[str, StateLayout]


def layout_state(name: str, type: Type, private: bool, span: Span) -> StateLayout:
    slots = tuple(
        Slot(
            name=".".join((name, *leaf.path)), keys=leaf.keys, type=leaf.type, lens=leaf.lens, exact=leaf.exact,
            label=Label.PRIVATE if leaf.private else Label.PUBLIC, declared=leaf.declared, span=span,
        )
        for leaf in leaves_of(type, private)
    )
    return StateLayout(name, type, private, slots)
