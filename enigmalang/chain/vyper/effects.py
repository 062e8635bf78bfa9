"""Checks, events, money, other contracts, `L`, and what the nodes attest."""

from collections.abc import Sequence
from typing import Any

from enigmalang.chain.abi import MOST_LOGGED
from enigmalang.chain.vyper.body import Body, place_of
from enigmalang.chain.vyper.convert import as_int, coerced, row, to_abi
from enigmalang.chain.vyper.expr import COMPARE, Expr, fixed, made, quoted
from enigmalang.chain.vyper.logged import OTHER, encoded_most, logged
from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.truths import negated
from enigmalang.chain.vyper.types import (
    BOOL,
    BYTES32,
    INT256,
    UINT256,
    VDyn,
    VInt,
    VName,
    VStatic,
    VText,
    VType,
    abi_type,
    bound_of,
    leaf_type,
    scalar_type,
    with_innermost,
)
from enigmalang.ir.ir import Operation, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.types.types import AnyT, BoolT, EnumT, FixedT, IntT, ListT, StringT, Type


def context(body: Body, op: Operation) -> None:
    if body.attests and op.attrs.get("attested"):
        return attested(body, op)
    found = body.context.get(op.attrs["name"])
    if found is None:
        raise Unsupported("E0803", f"there is no `{op.attrs['name']}` here", place_of(op))
    body.define(op, found)


# ---- checks


def _error_data(body: Body, op: Operation, name: str, values: tuple[Value, ...]) -> str:
    fields = body.unit.contract.errors.get(name, ())
    leaves = [body.use(v) for v in values]
    args: list[Expr] = []
    for _, type in fields:
        count = len(leaves_of(type))
        args.append(to_abi(body, type, leaves[:count]))
        leaves = leaves[count:]
    signature = f"{name}({','.join(abi_text(type) for _, type in fields)})"
    if not args:
        return f'method_id("{signature}")'
    return _encoded(body, args, f'method_id=method_id("{signature}")')


def _typed(body: Body, expr: Expr) -> str:
    if expr.literal and isinstance(expr.type, VInt) and expr.type not in (UINT256, INT256):
        return f"convert({expr.text}, {expr.type})"
    written = (expr.literal and isinstance(expr.type, VInt)) or expr.text.startswith("[")
    return body.declare("value", expr.type, expr).text if written else expr.text


def _encoded(body: Body, exprs: Sequence[Expr], more: str = "") -> str:
    """`abi_encode` of values, which have types there: numbers and lists written out do not say theirs."""
    texts = [_typed(body, expr) for expr in exprs]
    return f"abi_encode({', '.join([*texts, *([more] if more else [])])})"


def abi_text(type: Type) -> str:
    """The canonical ABI name of a type."""
    from enigmalang.chain.abi import abi_name

    return abi_name(type)


def require(body: Body, op: Operation) -> None:
    condition = body.use(op.operands[0])
    name = op.attrs.get("error")
    if name is None:
        rest = op.operands[1:]
        message = _message(body, body.use(rest[0])) if rest else ""
        body.barrier((), textual=True)
        if condition.value is not True:
            body.say(f"assert {condition.text}{message}")
        return
    body.barrier((), textual=True)
    body.say(f"if {negated(condition).text}:")
    with body.out.block():
        body.say(f"raw_revert({_error_data(body, op, name, op.operands[1:])})")


def _message(body: Body, text: Expr) -> str:
    if text.literal and quoted(text.value) is None:
        text = body.kept(Expr(text.text, text.type), "message")
    return "" if text.value == "" else f", {text.text}"


def raised(body: Body, op: Operation) -> None:
    name = op.attrs.get("error")
    if name is not None:
        data = _error_data(body, op, name, op.operands)
        body.barrier((), textual=True)
        body.say(f"raw_revert({data})")
        return
    message = _message(body, body.use(op.operands[0])) if op.operands else ""
    body.barrier((), textual=True)
    body.say(f"raise {message[2:]}".rstrip())


# ---- events and money


def emit(body: Body, op: Operation) -> None:
    fields = body.unit.contract.events[op.attrs["event"]]
    leaves = [body.use(v) for v in op.operands]
    parts = []
    for name, type in fields:
        count = len(leaves_of(type))
        parts.append(f"{name}={to_abi(body, type, leaves[:count]).text}")
        leaves = leaves[count:]
    body.say(f"log {op.attrs['event']}({', '.join(parts)})")


def send(body: Body, op: Operation) -> None:
    to, amount = (body.use(v) for v in op.operands)
    body.barrier(("balance",))
    wei = as_int(amount, UINT256)
    body.say(f'raw_call({to.text}, b"", value={wei.text})')


# ---- the ledger's log


_TAGS: tuple[tuple[Any, bytes], ...] = ((BoolT, b"b"), (StringT, b"s"), ((IntT, EnumT, FixedT), b"i"))


def _component(body: Body, value: Value, expr: Expr) -> str:
    """keccak256(tag ‖ payload) of one part of a key."""
    from enigmalang.ethereum.hashing import keccak256 as keccak

    type = expr.type
    match type:
        case VText():
            tag = b"s" if type.kind == "String" else b"x"
            if expr.literal:
                data = expr.value.encode() if isinstance(expr.value, str) else expr.value
                return f"0x{keccak(tag + data).hex()}"
            text = f"convert({expr.text}, Bytes[{max(1, type.max)}])" if type.kind == "String" else expr.text
            return f'keccak256(concat(b"{tag.decode()}", {text}))'
        case VInt():
            if expr.literal:
                return f"0x{keccak(b'i' + (expr.value & ((1 << 256) - 1)).to_bytes(32, 'big')).hex()}"
            return f'keccak256(concat(b"i", convert({expr.text}, bytes32)))'
        case VName(name="bool"):
            byte = f"convert(convert({expr.text}, uint8), bytes1)"
            return f'keccak256(concat(b"b", {byte}))' if not expr.literal else (
                f"0x{keccak(b'b' + bytes([expr.value])).hex()}")
        case VName(name="address"):
            return f'keccak256(concat(b"a", convert({expr.text}, bytes20)))'
        case VName(name=name) if name.startswith("bytes"):
            return f'keccak256(concat(b"x", {expr.text}))'
    raise Unsupported("E0803", f"a value of type {type} cannot be a key on the chain", value.span)


def _key(body: Body, values: tuple[Value, ...]) -> Expr:
    exprs = [body.use(v) for v in values]
    parts = [_component(body, v, e) for v, e in zip(values, exprs, strict=True)]
    if all(p.startswith("0x") for p in parts):
        from enigmalang.ethereum.hashing import keccak256 as keccak

        return Expr(f"0x{keccak(b''.join(bytes.fromhex(p[2:]) for p in parts)).hex()}", BYTES32, cheap=True)
    text = parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})"
    return made(f"keccak256({text})", BYTES32, exprs)


def kind_text(type: Type) -> str:
    """What the hub keeps as a value's kind: at most 64 bytes."""
    from enigmalang.ethereum.hashing import keccak256 as keccak

    text = str(type)
    return text if len(text.encode()) <= 64 else keccak(text.encode()).hex()


def _only_ledger(op: Operation) -> None:
    if op.attrs.get("db") != "L":
        raise Unsupported("E0803", f"{op.attrs['db']} lies off the chain: a contract cannot reach it", place_of(op),
                          "use `L`, or the contract's own state")


def _tuple(types: list[VType]) -> str:
    return str(types[0]) if len(types) == 1 else f"({', '.join(map(str, types))})"


def db_set(body: Body, op: Operation) -> None:
    _only_ledger(op)
    count = op.attrs["keys"]
    key = _key(body, op.operands[:count])
    type = op.attrs["type"]
    if isinstance(type, AnyT):
        raise Unsupported("E0803", "a value whose type is only known at run time cannot be written", place_of(op))
    leaves = [body.use(v) for v in op.operands[count : count + len(leaves_of(type))]]
    values = [coerced(body, e, _logged(leaf)) for e, leaf in zip(leaves, leaves_of(type), strict=True)]
    if (most := sum(encoded_most(v.type) for v in values)) > MOST_LOGGED:
        raise Unsupported("E0802", f"a value of up to {most:,} bytes cannot be written to `L`, which takes "
                          f"{MOST_LOGGED:,} bytes at most", place_of(op), "declare a smaller size, or write parts")
    body.barrier(("L",))
    body.say(f'extcall HUB.write({key.text}, "{kind_text(type)}", {_encoded(body, values)})')


def _logged(leaf: Any) -> VType:
    """A leaf as `L` holds it: `fixed` as int256."""
    type = leaf_type(leaf)
    element = leaf.type.element if isinstance(leaf.type, Tensor) else None
    return with_innermost(type, INT256) if isinstance(element, FixedT) else type


def db_get(body: Body, op: Operation) -> None:
    _only_ledger(op)
    _fetched(body, op, _key(body, op.operands), "")


def db_get_at(body: Body, op: Operation) -> None:
    _only_ledger(op)
    when = as_int(body.use(op.operands[0]), UINT256)
    _fetched(body, op, _key(body, op.operands[1:]), f", {when.text}")


def _fetched(body: Body, op: Operation, key: Expr, when: str) -> None:
    call = f"staticcall HUB.{'at' if when else 'latest'}({key.text}{when})"
    type = op.attrs["type"]
    if isinstance(type, AnyT):
        users = body.users(op.result)
        if len(users) != 1 or users[0].op != "convert" or not isinstance(users[0].result.type, Tensor):
            raise Unsupported("E0803", "the type of this value is only known at run time", place_of(op),
                              "say what it is: `x: uint32 = L[…]`")
        body.held[op.result] = call
        body.define(op, Expr(call, VText("Bytes", 0), reads=frozenset({"L"}), fails=True))
        return
    entry = body.saved(Expr(call, VName("Entry")), "entry")
    for value, expr in zip(op.results, _decoded(body, type, entry), strict=True):
        body.define_value(value, coerced(body, expr, body.types[value]))


def _decoded(body: Body, type: Type, entry: Expr) -> list[Expr]:
    """The leaves of an entry, as `type` has them."""
    types = [_logged(leaf) for leaf in leaves_of(type)]
    if (found := logged(body.unit, type, entry.text)) is not None:
        return [body.saved(Expr(found, types[0]), "value")]
    body.say(f'assert {entry.text}.kind == "{kind_text(type)}", "{OTHER}"')
    decoded = f"abi_decode({entry.text}.value, {_tuple(types)})"
    if len(types) == 1:
        parts = [body.saved(Expr(decoded, types[0]), "value")]
    else:
        parts = [body.declare("value", t) for t in types]
        body.say(f"{', '.join(f.text for f in parts)} = {decoded}")
    for part, leaf in zip(parts, leaves_of(type), strict=True):
        _inside(body, part, leaf.type)
    return parts


def _inside(body: Body, part: Expr, type: Any) -> None:
    """Anyone may have written it: what the chain's own types do not check is checked, of single values."""
    if isinstance(type, Tensor) and not type.rank:
        match type.element:
            case EnumT(members=members):
                body.say(f'assert {part.text} < {len(members)}, "{OTHER}"')
            case FixedT(low=low, high=high):
                body.say(f'assert {low} <= {part.text} and {part.text} <= {high}, "{OTHER}"')


def from_any(body: Body, op: Operation, call: str) -> None:
    """What `L` holds, as the type that is asked for."""
    body.use(op.operands[0])
    assert isinstance(op.result.type, Tensor)
    kind = op.result.type.element
    entry = body.saved(Expr(call, VName("Entry")), "entry")
    held, value = scalar_type(kind, abi=True), logged(body.unit, kind, entry.text)
    if value is None:
        body.say(f'assert {entry.text}.kind == "{kind_text(kind)}", "{OTHER}"')
        value = f"abi_decode({entry.text}.value, {held})"
    found = body.saved(Expr(value, held), op.result.hint or "value")
    _inside(body, found, op.result.type)
    body.define(op, coerced(body, found, body.types[op.result]))


def db_has(body: Body, op: Operation) -> None:
    _only_ledger(op)
    key = _key(body, op.operands)
    found = made(f"staticcall HUB.has({key.text})", BOOL, [key])
    body.define(op, Expr(found.text, BOOL, COMPARE - 2, found.reads | {"L"}))


def db_history(body: Body, op: Operation) -> None:
    """All values, as lists of the element's leaves; one more than the list holds reverts."""
    _only_ledger(op)
    type = op.attrs["type"]
    if not isinstance(type, ListT) or type.max is None or isinstance(type.element, AnyT):
        raise Unsupported("E0803", "the chain needs to know what is in a history, and how much at most", place_of(op),
                          "say what it is: `xs: list[uint32, 10] = L.history(…)`")
    key = body.saved(_key(body, op.operands), "key")
    count = body.saved(Expr(f"staticcall HUB.count({key.text})", UINT256), "count")
    lists = [body.declare(value.hint or "history", body.types[value]) for value in op.results]
    index = body.names.new("i")
    body.say(f"for {index}: uint256 in range({count.text}, bound={type.max}):")
    with body.out.block():
        entry = body.saved(Expr(f"staticcall HUB.entry({key.text}, {index})", VName("Entry")), "entry")
        for held, row in zip(lists, _decoded(body, type.element, entry), strict=True):
            assert isinstance(held.type, VDyn)
            body.say(f"{held.text}.append({coerced(body, row, held.type.element).text})")
    for value, held in zip(op.results, lists, strict=True):
        body.define_value(value, held)


# ---- attested values


def attested(body: Body, op: Operation) -> None:
    """The next of the words that the nodes signed."""
    value = op.result
    type = body.types[value]
    if not body.cursor:
        number, body.words = body.words, body.words + 1
        return body.define(op, _from_word(body, fixed(f"words[{number}]", INT256), type, fails=True))
    cursor = body.cursor
    if not isinstance(type, VStatic | VDyn):
        found = _from_word(body, Expr(f"words[{cursor}]", INT256), type, fails=True)
        held = body.saved(found, value.hint or "revealed")
        body.say(f"{cursor} += 1")
        return body.define(op, held)
    target = body.declare(value.hint or "revealed", type)
    depth = 0
    inner: VType = type
    sizes: list[str] = []
    while isinstance(inner, VStatic | VDyn):
        size = body.names.new("size")
        body.say(f"{size}: uint256 = convert(words[{cursor}], uint256)")
        body.say(f"{cursor} += 1")
        sizes.append(size)
        inner, depth = inner.element, depth + 1
    _rows(body, target, sizes, cursor)
    body.define(op, target)


def witness(body: Body, op: Operation) -> None:
    """What was read is what the nodes read, or they compute again."""
    read = [body.use(v) for v in op.operands]
    if not body.attests:
        return
    types = [leaf.declared for leaf in leaves_of(op.attrs["type"])]
    leaves = [coerced(body, expr, abi_type(type)) for expr, type in zip(read, types, strict=True)]
    encoded = _encoded(body, leaves)
    number = str(body.words) if not body.cursor else body.cursor
    body.say(f'assert convert(keccak256({encoded}), int256) == words[{number}], "stale version"')
    if body.cursor:
        body.say(f"{body.cursor} += 1")
    else:
        body.words += 1


def _rows(body: Body, target: Expr, sizes: list[str], cursor: str) -> None:
    assert isinstance(target.type, VStatic | VDyn)
    name = body.names.new("i")
    where = fixed(name, UINT256)
    body.say(f"for {name}: uint256 in range({sizes[0]}, bound={max(1, bound_of(target.type))}):")
    with body.out.block():
        inner = target.type.element
        if isinstance(inner, VStatic | VDyn):
            if isinstance(target.type, VDyn):
                body.say(f"{target.text}.append(empty({inner}))")
            _rows(body, row(target, where), sizes[1:], cursor)
            return
        item = _from_word(body, Expr(f"words[{cursor}]", INT256), inner, fails=True)
        body.say(f"{target.text}.append({item.text})" if isinstance(target.type, VDyn) else (
            f"{target.text}[{name}] = {item.text}"))
        body.say(f"{cursor} += 1")


def _from_word(body: Body, word: Expr, type: VType, fails: bool) -> Expr:
    if type == BOOL:
        return made(f"{word.text} != 0", BOOL, [word], COMPARE, fails=fails)
    assert isinstance(type, VInt)
    return made(f"convert({word.text}, {type})", type, [word], fails=fails) if type != INT256 else word


def nothing(body: Body, op: Operation) -> None:
    """No effect on the chain."""
    for value in op.operands:
        body.use_parts(value)
