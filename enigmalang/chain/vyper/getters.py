"""Getters: what outsiders and nodes read of the state, leaf by leaf."""

from collections.abc import Sequence

from enigmalang.chain.vyper.body import Body
from enigmalang.chain.vyper.convert import coerced, to_abi
from enigmalang.chain.vyper.expr import Expr
from enigmalang.chain.vyper.lines import Lines
from enigmalang.chain.vyper.names import Names, plain
from enigmalang.chain.vyper.state import length_names
from enigmalang.chain.vyper.types import INT256, VType, abi_type, leaf_type, scalar_type, with_innermost
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import Contract, Function, Operation, Region, Slot, Tensor, operations
from enigmalang.plan.plan import Plan
from enigmalang.types.types import NONE, FixedT, Label, MapT, StructT, Type


def tracked_slots(plan: Plan, contract: Contract) -> frozenset[str]:
    """Map slots of which the chain keeps which keys were written: private ones, whose values are elsewhere, and those
    that some function asks for with `in`."""
    asked = set()
    for name in contract.functions:
        planned = plan.functions.get(name)
        if planned is None:
            continue
        for function in (planned.public, planned.secret):
            if function is not None:
                asked |= {op.attrs["slot"] for op in operations(function.body) if op.op == "map_has"}
    return frozenset(s.name for s in contract.slots.values()
                     if s.keys and (s.label is Label.PRIVATE or s.name in asked))


def renamed_slots(contract: Contract) -> frozenset[str]:
    """Public slots that Vyper's own getter would show otherwise than the language does."""
    return frozenset(s.name for s in contract.slots.values() if s.label is Label.PUBLIC and _shown_otherwise(s))


def _shown_otherwise(slot: Slot) -> bool:
    if slot.lens:
        return True
    if not isinstance(slot.type, Tensor) or getattr(slot.type.element, "max", 0) is None:
        return False  # a text without a greatest length is refused where it is declared
    return scalar_type(slot.type.element, abi=True) != scalar_type(slot.type.element)


def getters(unit: Unit, lines: Lines) -> None:
    made = Lines()
    for slot in unit.contract.slots.values():
        if slot.label is Label.PRIVATE:
            _lengths(unit, made, slot)
        elif slot.name in unit.getters:
            _whole(unit, made, slot)
    for name, (type, private) in unit.contract.state.items():
        if not private:
            _struct(unit, made, name, type)
    if made.rows:
        lines.title("Getters: state as the language has it")
        lines.rows.extend(made.rows)


def _keys(slot: Slot) -> tuple[list[str], str]:
    names = ["key"] if len(slot.keys) == 1 else [f"key{n}" for n in range(len(slot.keys))]
    params = [f"{n}: {scalar_type(k)}" for n, k in zip(names, slot.keys, strict=True)]
    return params, "".join(f"[{n}]" for n in names)


def _view(lines: Lines, slot: Slot, name: str, params: Sequence[str], result: str) -> None:
    lines.add("@external")
    lines.add("@view")
    lines.add(f"def {name}({', '.join(params)}) -> {result}:", slot.span)


def _whole(unit: Unit, lines: Lines, slot: Slot) -> None:
    params, suffix = _keys(slot)
    held = leaf_type(slot)
    shown = _shown(slot, held)
    _view(lines, slot, plain(slot.name), params, str(shown))
    with lines.block():
        text = f"{unit.storage(slot.name)}{suffix}"
        if shown == held:
            lines.add(f"return {text}")
        else:
            body = _scratch(unit, lines, slot)
            found = coerced(body, Expr(text, held, place=True), shown)
            lines.add(f"return {found.text}")
    lines.add("")
    lines.add("")


def _shown(slot: Slot, held: VType) -> VType:
    element = slot.type.element if isinstance(slot.type, Tensor) else None
    return with_innermost(held, INT256) if isinstance(element, FixedT) else held


def _scratch(unit: Unit, lines: Lines, slot: Slot) -> Body:
    """A body for statements that no program has."""
    end = Operation("yield", (), (), slot.span)
    function = Function("getter", "view", (), Region([], [end]), NONE, False, slot.span)
    names = Names(unit.taken)
    for number in range(len(slot.keys)):
        names.new("key" if len(slot.keys) == 1 else f"key{number}")
    return Body(unit, function, lines, names, {})


def _lengths(unit: Unit, lines: Lines, slot: Slot) -> None:
    """The lengths of a private slot's lists."""
    names = length_names(slot)
    if not names:
        return
    params, suffix = _keys(slot)
    result = "uint256" if len(names) == 1 else f"({', '.join(['uint256'] * len(names))})"
    _view(lines, slot, f"lengths_{plain(slot.name)}", params, result)
    with lines.block():
        lines.add(f"return {', '.join(f'self.{n}{suffix}' for _, n in names)}")
    lines.add("")
    lines.add("")


def _struct(unit: Unit, lines: Lines, name: str, type: Type) -> None:
    """`name(keys…) -> Struct`."""
    inner = type
    while isinstance(inner, MapT):
        inner = inner.value
    slots = [s for s in unit.contract.slots.values() if s.name.startswith(f"{name}.")]
    if not isinstance(inner, StructT) or not slots or any(s.label is Label.PRIVATE for s in slots):
        return
    params, suffix = _keys(slots[0])
    if any(s.keys != slots[0].keys for s in slots):
        return
    _view(lines, slots[0], plain(name), params, str(abi_type(inner)))
    with lines.block():
        body = _scratch(unit, lines, slots[0])
        leaves = [Expr(f"{unit.storage(s.name)}{suffix}", leaf_type(s), place=True) for s in slots]
        lines.add(f"return {to_abi(body, inner, leaves).text}")
    lines.add("")
    lines.add("")
