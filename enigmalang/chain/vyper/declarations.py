"""The head of a generated contract: interfaces, structs, state, events."""

from collections.abc import Sequence
from pathlib import PurePath

from enigmalang.chain.vyper.foreign import called, declaration, returned
from enigmalang.chain.vyper.jobs import arguments_size
from enigmalang.chain.vyper.lines import Lines, notice
from enigmalang.chain.vyper.names import plain, predicates_of
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.state import length_names
from enigmalang.chain.vyper.types import UINT256, NoVyperType, VName, VType, leaf_type, scalar_type, structs_in, typed
from enigmalang.chain.vyper.unit import Unit
from enigmalang.ir.ir import operations
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.plan import PlanFunction
from enigmalang.types.types import Label as Secrecy
from enigmalang.types.types import MapT, StructT, TupleT, Type


def structs_of(unit: Unit) -> list[StructT]:
    """Every struct that the contract's ABI mentions, inner ones first."""
    found: dict[str, StructT] = {}
    types: list[Type] = [t for fields in unit.contract.events.values() for _, t in fields]
    types += [t for fields in unit.contract.errors.values() for _, t in fields]
    for function in unit.functions:
        if function.public.kind in ("external", "view", "init"):
            types += [p.type for p in function.public.params]
            result = function.public.result
            types += list(result.items) if isinstance(result, TupleT) else [result]
    types += [value for value, _ in unit.contract.state.values()]
    for functions in called(unit).values():
        types += [t for f in functions.values() for t in (*(p for _, p in f.params), *returned(f.result))]
    for type in types:
        for struct in structs_in(_value_of(type)):
            found.setdefault(struct.name, struct)
    return list(found.values())


def _value_of(type: Type) -> Type:
    while isinstance(type, MapT):
        type = type.value
    return type


def head(unit: Unit, lines: Lines, jobs: Sequence[PlanFunction], init: PlanFunction | None) -> None:
    contract = unit.contract
    lines.add("# pragma version 0.4.3")
    lines.add(f"# Generated from {PurePath(unit.plan.path).name} by EnigmaLang: change that file, not this one.")
    text = contract.docstring or f"{contract.name}: the public part of a private contract."
    lines.add('"""')
    lines.add(f"@title {contract.name}")
    lines.add(f"@notice {notice(text)}")
    lines.add('"""')
    lines.add("")
    _hub_interface(unit, lines, bool(jobs))
    for name, functions in called(unit).items():
        lines.add(f"interface {name}:", unit.plan.interfaces[name].span)
        for function, declared in functions.items():
            lines.add(f"    {declaration(function, declared)}")
        lines.add("")
    for struct in structs_of(unit):
        lines.add(f"struct {struct.name}:")
        for field in struct.fields:
            lines.add(f"    {field.name}: {typed(field.type, contract.span)}")
        lines.add("")
    lines.add("")
    lines.title("State")
    lines.add("HUB: public(immutable(Hub))")
    lines.add("CREATOR: public(immutable(address))")
    lines.add(f"PLAN_HASH: public(constant(bytes32)) = 0x{hash_plan(unit.plan).hex()}")
    lines.add("version: public(uint256)  # raised by every transaction that changes state")
    lines.add("private_root: public(bytes32)  # commitment of the nodes to the private state")
    if init is not None and init.secret is not None:
        lines.add("ready: public(bool)  # `init` has been fulfilled")
    _slots(unit, lines)
    lines.add("")
    lines.add("")
    if contract.events or jobs:
        lines.title("Events")
        _events(unit, lines, jobs)


def _hub_interface(unit: Unit, lines: Lines, jobs: bool) -> None:
    lines.add("interface Hub:")
    lines.add("    def attach(committee: uint256, plan: bytes32): nonpayable")
    if jobs:
        lines.add("    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256)"
                  " -> uint256: payable")
        lines.add("    def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256,")
        lines.add("               revealed: bytes32, root: bytes32, work: Work,")
        lines.add("               signatures: DynArray[Signature, 31]): nonpayable")
        lines.add("    def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256,")
        lines.add("                       error: String[256], work: Work,")
        lines.add("                       signatures: DynArray[Signature, 31]): nonpayable")
    if _uses_log(unit):
        lines.add("    def write(key: bytes32, kind: String[64], content: Bytes[4096]): nonpayable")
        lines.add("    def latest(key: bytes32) -> Entry: view")
        lines.add("    def at(key: bytes32, when: uint256) -> Entry: view")
        lines.add("    def has(key: bytes32) -> bool: view")
        lines.add("    def count(key: bytes32) -> uint256: view")
        lines.add("    def entry(key: bytes32, index: uint256) -> Entry: view")
    lines.add("")
    if jobs:
        lines.add("struct Signature:")
        lines.add_all("    r: bytes32\n    s: bytes32\n    v: uint256")
        lines.add("")
        lines.add("struct Work:")
        lines.add_all("    rounds: uint256\n    products: uint256\n    additions: uint256")
        lines.add("")
    if _uses_log(unit):
        lines.add("struct Entry:")
        lines.add_all("    block: uint256\n    time: uint256\n    writer: address\n    kind: String[64]\n"
                      "    value: Bytes[4096]")
        lines.add("")


def _uses_log(unit: Unit) -> bool:
    bodies = [f.public for f in (*unit.functions, *predicates_of(unit))]
    return any(op.op.startswith("db_") for f in bodies for op in operations(f.body))


def _slots(unit: Unit, lines: Lines) -> None:
    for slot in unit.contract.slots.values():
        name = plain(slot.name)
        if slot.name in unit.tracked:
            lines.add(f"has_{name}: public({_mapped(slot.keys, VName('bool'))})", slot.span)
        if slot.label is Secrecy.PRIVATE:
            for _, stored in length_names(slot):
                lines.add(f"{stored}: {_mapped(slot.keys, UINT256)}", slot.span)
            if not length_names(slot) and slot.name not in unit.tracked:
                lines.add(f"# {name}: private, with the nodes", slot.span)
            continue
        try:
            held = _mapped(slot.keys, leaf_type(slot))
        except NoVyperType as problem:
            raise Unsupported("E0802", f"the state `{slot.name}` has {problem}", slot.span,
                              "declare it with a size (`list[T, max]`, `string[max]`)") from None
        lines.add(f"_{name}: {held}" if slot.name in unit.getters else f"{name}: public({held})", slot.span)


def _mapped(keys: Sequence[object], type: VType) -> str:
    made = str(type)
    for key in reversed(keys):
        made = f"HashMap[{scalar_type(key)}, {made}]"
    return made


def _events(unit: Unit, lines: Lines, jobs: Sequence[PlanFunction]) -> None:
    if jobs:
        most = max(arguments_size(f) for f in jobs)
        lines.add("event Requested:")
        lines.add_all(f"    job: indexed(uint256)\n    sender: indexed(address)\n    function: bytes32\n"
                      f"    arguments: Bytes[{most}]")
        lines.add("")
    for name, fields in unit.contract.events.items():
        lines.add(f"event {name}:")
        with lines.block():
            for field, type in fields:
                lines.add(f"{field}: {typed(type, unit.contract.span)}")
        lines.add("")
    lines.add("")
