"""Values as a session shows them. A private value is a reference: its type, its length, and where it is by now."""

from collections.abc import Sequence
from typing import Any

from enigmalang.execute.client import Job
from enigmalang.execute.ports import Identity
from enigmalang.execute.secret import Secret
from enigmalang.execute.trace import Traced
from enigmalang.execute.values import ContractRef, data_from, show_data
from enigmalang.ir.leaves import leaves_of
from enigmalang.repl.session import Variable
from enigmalang.types.types import ArrayT, ListT, StructT, Type

#: Characters of a value that are echoed; `print` shows all.
MOST = 2000


def shown(variable: Variable, lost: bool = False) -> str:
    """The value, as one would write it; what is private as a reference. `lost`: the nodes that held it are gone."""
    text = _value(variable.leaves, variable.type, lost)
    return text if len(text) <= MOST else f"{text[:MOST]}… ({len(text):,} characters; `print` shows all)"


def _value(leaves: Sequence[Any], type: Type, lost: bool) -> str:
    if isinstance(type, StructT) and any(isinstance(leaf, Secret) for leaf in leaves):
        return _struct(leaves, type, lost)
    if any(isinstance(leaf, Secret) for leaf in leaves):
        return reference(leaves, type, lost)
    match leaves:
        case (Identity() as who,):
            return f"{who.name} {who.address}"
        case (ContractRef(address=address, name=name),):
            return f"{name} at {address}"
        case (Job() as job,):
            return f"<{type}: {'done' if job.done else 'waiting; `await` gives its result'}>"
        case _:
            return show_data(data_from(leaves, type), type)


def _struct(leaves: Sequence[Any], type: StructT, lost: bool) -> str:
    rest, parts = list(leaves), []
    for field in type.fields:
        count = len(leaves_of(field.type))
        parts.append(f"{field.name}={_value(rest[:count], field.type, lost)}")
        rest = rest[count:]
    return f"{type.name}({', '.join(parts)})"


def reference(leaves: Sequence[Any], type: Type, lost: bool = False) -> str:
    """`<private uint32, shared>`: what may be known of a private value."""
    words = [f"private {type}"]
    first = next(leaf for leaf in leaves if isinstance(leaf, Secret))
    if isinstance(type, ListT | ArrayT) and first.shape:
        count = first.shape[0]
        words.append(f"{count} element{'' if count == 1 else 's'}")
    if (where := place_of(leaves, lost)) is not None:
        words.append(where)
    return f"<{', '.join(words)}>"


def place_of(leaves: Sequence[Any], lost: bool = False) -> str | None:
    """Whether the nodes hold it already, or are `lost`; None where there are no nodes or circuits."""
    wires = [leaf.wire for leaf in leaves if isinstance(leaf, Traced)]
    if not wires:
        return None
    if lost:
        return "lost"
    held = all(wire.handle is not None or wire.is_row or wire.op == "const" for wire in wires)
    return "shared" if held else "not computed yet"
