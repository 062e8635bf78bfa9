"""A typed Python module for each program: a class for each contract that other programs import, over web3.py.

Functions become methods, events dataclasses with a reader each, structs named tuples, enums `IntEnum`s. `fixed` values
are raw integers (`value * 2**fraction`), as the chain has them. A job `f` is the method `f`, too: it masks its private
arguments, asks, waits and gives the result, which needs EnigmaLang beside web3 (`node.python_calls`, loaded when a job
is called) and a network that is up (`enig chain up`); `request_f` is its bare transaction, with inputs masked already.
A contract with jobs is deployed by `enig deploy`, which hands its plan to the nodes.
"""

import json
from collections.abc import Sequence
from pathlib import PurePath

from enigmalang.chain.compiling import Compiled
from enigmalang.chain.vyper.functions import public_params, returned_types
from enigmalang.chain.vyper.jobs import length_params
from enigmalang.ir.ir import Contract
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.types.types import (
    ArrayT,
    BoolT,
    BytesNT,
    BytesT,
    EnumT,
    FixedT,
    IntT,
    ListT,
    MapT,
    NoneT,
    StructT,
    TupleT,
    Type,
)

_HEAD = '''"""Clients of the contracts of {file}: made by `enig compile --to python`; change that file, not this one."""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import TxReceipt
'''

_CLASS = '''
class {name}:
    """{doc}"""

    ABI: list[dict[str, Any]] = json.loads({abi!r})
    BYTECODE = "0x{code}"

    def __init__(self, web3: Web3, address: str, account: LocalAccount | None = None) -> None:
        """The contract at `address`; `account` signs transactions, reading needs none."""
        self.web3, self.account = web3, account
        self.contract = web3.eth.contract(address=Web3.to_checksum_address(address), abi=self.ABI)

    @classmethod
    def deploy(cls, web3: Web3, account: LocalAccount, hub: str, committee: int{params}, value: int = 0) -> "{name}":
        """A new contract, served by `committee` of `hub`."""
        made = web3.eth.contract(abi=cls.ABI, bytecode=cls.BYTECODE)
        build = made.constructor(Web3.to_checksum_address(hub), committee{args})
        receipt = _send(web3, account, build, value)
        return cls(web3, str(receipt["contractAddress"]), account)

    def _call(self, name: str, *args: Any) -> Any:
        return self.contract.get_function_by_name(name)(*args).call()

    def _transact(self, name: str, args: tuple[Any, ...], value: int = 0) -> TxReceipt:
        if self.account is None:
            raise ValueError("a transaction needs an account")
        return _send(self.web3, self.account, self.contract.get_function_by_name(name)(*args), value)

    def _events(self, name: str, first: int) -> list[Any]:
        return list(self.contract.events[name]().get_logs(from_block=first))
'''

_SEND = '''

def _send(web3: Web3, account: LocalAccount, build: Any, value: int) -> TxReceipt:
    nonce = web3.eth.get_transaction_count(account.address)
    made = build.build_transaction({"from": account.address, "nonce": nonce, "value": value})
    sent = web3.eth.send_raw_transaction(account.sign_transaction(made).raw_transaction)
    return web3.eth.wait_for_transaction_receipt(sent)
'''

_JOB = '''

def _job(web3: Web3, account: LocalAccount | None, address: str, name: str, args: tuple[Any, ...], value: int,
         fee: int | None) -> Any:
    """Have the nodes compute `name`: they are found by the chain, at whose address `web3` must be."""
    if account is None:
        raise ValueError("a job needs an account")
    url = getattr(web3.provider, "endpoint_uri", None) or getattr(web3.provider, "ipc_path", None)
    if url is None:
        raise ValueError(f"`{name}` is a job: the nodes need a chain with an address (HTTP, WebSocket or IPC)")
    try:
        from enigmalang.node.python_calls import call_job
    except ImportError:
        raise RuntimeError(f"`{name}` is a job, whose private arguments are masked first: install enigmalang, or use "
                           f"`enig call {address} {name} …`") from None
    return call_job(str(url), address, name, args, bytes(account.key), value, fee)
'''


def python_module(plan: Plan, compiled: Sequence[tuple[str, Compiled, frozenset[str]]]) -> str:
    """The source of the module: for each contract its name, code, and slots with `has_…` getters."""
    types: dict[str, str] = {}
    classes: list[str] = []
    for name, made, tracked in compiled:
        classes.append(_contract(plan, plan.contracts[name], made, tracked, types))
    jobs = any(f.secret is not None and f.public.contract in dict.fromkeys(n for n, _, _ in compiled)
               for f in plan.functions.values())
    head = _HEAD.format(file=PurePath(plan.path).name)
    return "\n\n\n".join([head.rstrip(), *(t.strip("\n") for t in types.values()), _SEND.strip("\n"),
                        *([_JOB.strip("\n")] if jobs else []), *(c.strip("\n") for c in classes)]) + "\n"


def _typed(type: Type, known: dict[str, str]) -> str:
    match type:
        case BoolT():
            return "bool"
        case IntT() | FixedT():
            return "int"
        case EnumT(name=name, members=members):
            rows = "".join(f"    {m} = {n}\n" for n, m in enumerate(members))
            known.setdefault(name, f"\nclass {name}(IntEnum):\n{rows}")
            return name
        case BytesNT() | BytesT():
            return "bytes"
        case ArrayT(element=element, dims=dims):
            inner = _typed(element, known)
            for _ in dims:
                inner = f"list[{inner}]"
            return inner
        case ListT(element=element):
            return f"list[{_typed(element, known)}]"
        case StructT(name=name, fields=fields):
            rows = "".join(f"    {f.name}: {_typed(f.type, known)}\n" for f in fields)
            known.setdefault(name, f"\nclass {name}(NamedTuple):\n{rows}")
            return name
        case TupleT(items=items):
            return f"tuple[{', '.join(_typed(t, known) for t in items)}]"
        case _:
            return "str"


def _result(types: Sequence[Type], known: dict[str, str]) -> str:
    if not types:
        return "None"
    return _typed(types[0], known) if len(types) == 1 else f"tuple[{', '.join(_typed(t, known) for t in types)}]"


def _made(type: Type, value: str) -> str:
    """What web3 gives, as its class."""
    match type:
        case StructT(name=name):
            return f"{name}(*{value})"
        case EnumT(name=name):
            return f"{name}({value})"
        case _:
            return value


def _contract(plan: Plan, contract: Contract, made: Compiled, tracked: frozenset[str], known: dict[str, str]) -> str:
    functions = [plan.functions[f] for f in contract.functions if f in plan.functions]
    init = next((f for f in functions if f.public.kind == "init" and f.secret is None), None)
    params = [(p.name, _typed(p.type, known)) for p in init.public.params] if init is not None else []
    text = _CLASS.format(
        name=contract.name, doc=" ".join((contract.docstring or f"The contract {contract.name}.").split()),
        abi=json.dumps(made.abi, separators=(",", ":")), code=made.init.hex(),
        params="".join(f", {n}: {t}" for n, t in params), args="".join(f", {n}" for n, _ in params))
    parts = [text]
    for function in functions:
        if function.secret is not None:
            parts.append(_job(function, known))
        elif function.public.kind in ("external", "view"):
            parts.append(_method(function, known))
    parts += [_getter(name, type, known) for name, (type, private) in contract.state.items() if not private]
    parts += [_has(name, contract) for name in sorted(tracked)]
    for event, fields in contract.events.items():
        owner = f"{contract.name}{event}"
        rows = "".join(f"    {n}: {_typed(t, known)}\n" for n, t in fields)
        known[owner] = f"\n@dataclass(frozen=True)\nclass {owner}:\n    block: int\n{rows}"
        given = "".join(", " + _made(t, f"e['args']['{n}']") for n, t in fields)
        parts.append(f'''
    def {_snake(event)}_events(self, first: int = 0) -> list[{owner}]:
        """The events `{event}` from block `first` on."""
        return [{owner}(e['blockNumber']{given}) for e in self._events("{event}", first)]
''')
    return "".join(parts)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(name))


def _method(planned: PlanFunction, known: dict[str, str]) -> str:
    function = planned.public
    short = function.name.rpartition(".")[2]
    params = "".join(f", {p.name}: {_typed(p.type, known)}" for p in function.params)
    args = "".join(f", {p.name}" for p in function.params)
    types = returned_types(planned)
    if function.kind == "view":
        found = f'self._call("{short}"{args})'
        shown = _made(types[0], found) if len(types) == 1 else found
        return f'''
    def {short}(self{params}) -> {_result(types, known)}:
        found: {_result(types, known)} = {shown}
        return found
'''
    inside = ", ".join(p.name for p in function.params)
    inside = f"({inside}{',' if len(function.params) == 1 else ''})"
    value = ", value: int = 0" if function.payable else ""
    return f'''
    def {short}(self{params}{value}) -> TxReceipt:
        return self._transact("{short}", {inside}{", value" if function.payable else ""})
'''


def _job(planned: PlanFunction, known: dict[str, str]) -> str:
    return _request(planned, known) + ("" if planned.public.kind == "init" else _computed(planned, known))


def _request(planned: PlanFunction, known: dict[str, str]) -> str:
    function = planned.public
    short = function.name.rpartition(".")[2]
    shown = public_params(function)
    lengths = [f"{p.name}_length" + (f"_{n}" if n else "") for n, (p, _, _) in enumerate(length_params(function))]
    given = [*(p.name for p in shown), *lengths]
    inputs, mask, fee, payment = (_free(n, given) for n in ("inputs", "mask", "fee", "payment"))
    params = "".join(f", {p.name}: {_typed(p.type, known)}" for p in shown) + "".join(f", {n}: int" for n in lengths)
    args = ", ".join([*given, inputs, mask, fee])
    paid = f", {payment}: int = 0" if function.payable else ""
    value = f"{fee} + {payment}" if function.payable else fee
    return f'''
    def request_{short}(self{params}, {inputs}: bytes, {mask}: int, {fee}: int{paid}) -> int:
        """Ask the nodes for `{short}`, with inputs that are masked already; gives the job's number."""
        receipt = self._transact("request_{short}", ({args}), {value})
        (event,) = self.contract.events.Requested().process_receipt(receipt)
        return int(event["args"]["job"])
'''


def _computed(planned: PlanFunction, known: dict[str, str]) -> str:
    """The whole job: what it gives is the result."""
    function = planned.public
    short, names = function.name.rpartition(".")[2], [p.name for p in function.params]
    fee, value = _free("fee", names), _free("value", names)
    params = "".join(f", {p.name}: {_typed(p.type, known)}" for p in function.params)
    params += f", *, {value}: int = 0" if function.payable else ", *"
    args = f"({', '.join(names)}{',' if len(names) == 1 else ''})"
    call = (f'_job(self.web3, self.account, self.contract.address, "{short}", {args}, '
            f"{value if function.payable else 0}, {fee})")
    doc = " ".join((function.docstring or "").split()) or f"`{short}`, computed by the nodes"
    doc = doc.replace("\\", "/").replace('"', "'").rstrip(".")
    head = f'''
    def {short}(self{params}, {fee}: int | None = None) -> {_result_of(function.result, known)}:
        """{doc}. `{fee}`: wei offered for the nodes' work."""
'''
    if isinstance(function.result, NoneT):
        return head + f"        {call}\n"
    found = f"found: {_typed(function.result, known)} = {_made(function.result, call)}"
    return f"{head}        {found}\n        return found\n"


def _result_of(type: Type, known: dict[str, str]) -> str:
    return "None" if isinstance(type, NoneT) else _typed(type, known)


def _free(name: str, taken: Sequence[str]) -> str:
    """`name`, or that with a line under it where a parameter is called so."""
    return name if name not in taken else f"{name}_"


def _keys(type: Type, known: dict[str, str]) -> tuple[list[str], Type]:
    keys = []
    while isinstance(type, MapT):
        keys.append(_typed(type.key, known))
        type = type.value
    return keys, type


def _getter(name: str, type: Type, known: dict[str, str]) -> str:
    keys, value = _keys(type, known)
    names = ["key"] if len(keys) == 1 else [f"key{n}" for n in range(len(keys))]
    params = "".join(f", {n}: {t}" for n, t in zip(names, keys, strict=True))
    args = "".join(f", {n}" for n in names)
    found = _made(value, f'self._call("{name}"{args})')
    if isinstance(value, ArrayT | ListT) and isinstance(value.element, StructT):
        return ""  # read leaf by leaf
    return f'''
    def {name}(self{params}) -> {_typed(value, known)}:
        found: {_typed(value, known)} = {found}
        return found
'''


def _has(slot: str, contract: Contract) -> str:
    name = slot.replace(".", "_")
    count = len(contract.slots[slot].keys)
    names = ["key"] if count == 1 else [f"key{n}" for n in range(count)]
    params = "".join(f", {n}: Any" for n in names)
    return f'''
    def has_{name}(self{params}) -> bool:
        """Whether the key has been written."""
        return bool(self._call("has_{name}", {", ".join(names)}))
'''
