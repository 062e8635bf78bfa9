"""Generated contracts on a chain: which they are, and calling them in the language's values."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from enigmalang.chain.abi import from_abi, to_abi
from enigmalang.chain.client import Chain, Log
from enigmalang.chain.compiling import Compiled
from enigmalang.chain.decoding import decode
from enigmalang.chain.digests import Call
from enigmalang.chain.hub import hub_interface, signature_data
from enigmalang.chain.interface import Interface, Method
from enigmalang.chain.outcomes import Job, call_digests, work_of
from enigmalang.chain.vyper import compile_contract
from enigmalang.chain.vyper.compiled import IMMUTABLES
from enigmalang.ir.ir import Contract, Slot, Tensor
from enigmalang.ir.leaves import leaves_of
from enigmalang.plan.calls import Attested, Key, LedgerCall
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.types.types import ArrayT, ListT, NoneT, TupleT, Type

#: How many values are asked for in one message; contracts of one plan that are remembered: anybody may make more.
_PAGE, KNOWN = 500, 4096


class Values(Protocol):
    """Between leaves and Python data: `execute.values`."""

    def data_from(self, leaves: Sequence[Any], type: Type) -> Any: ...

    def leaves_from(self, data: Any, type: Type) -> list[Any]: ...

    def any_value(self, type: Type, leaves: Sequence[Any]) -> Any: ...


class Contracts:
    """The contracts of one plan on one chain."""

    def __init__(self, chain: Chain, hub: str, plan: Plan, values: Values) -> None:
        self.hub = hub
        self._chain, self._plan, self._values = chain, plan, values
        self.hash = hash_plan(plan)
        self._known: dict[str, Deployed] = {}  # the last ones
        self._compiled: dict[str, Compiled] = {}
        self._interfaces: dict[str, Interface] = {}

    def at(self, address: str) -> "Deployed | None":
        """The contract at `address`, if it is one that was added or found."""
        return self._known.get(address)

    def find(self, address: str) -> "Deployed | None":
        """The contract at `address`, if it was added or its code is that of one of the plan's contracts."""
        known = self._known.get(address)
        if known is None and (name := self.identify(address)) is not None:
            known = self.add(address, name)
        return known

    def add(self, address: str, name: str) -> "Deployed":
        if name not in self._interfaces:
            self._interfaces[name] = Interface(self.compiled(name).abi)
        made = Deployed(self._chain, address, self._plan.contracts[name], self._interfaces[name], self._values)
        self._known[address] = made
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]
        return made

    def compiled(self, name: str) -> Compiled:
        if name not in self._compiled:
            self._compiled[name] = compile_contract(self._plan, name).compiled
        return self._compiled[name]

    def identify(self, address: str) -> str | None:
        """Which contract of the plan the code at `address` is: the same bytes, but for the immutables at its end."""
        code = self._chain.code(address)
        for name in self._plan.contracts if code else ():
            runtime = self.compiled(name).runtime
            if runtime and code[: len(runtime)] == runtime and len(code) - len(runtime) == IMMUTABLES:
                return name
        return None

    def creation(self, name: str, committee: int, args: Key) -> bytes:
        """Code and arguments that create contract `name`."""
        from eth_abi.abi import encode

        compiled = self.compiled(name)
        init = self._plan.functions.get(f"{name}.init")
        data = public_data(init, args, self._values) if init is not None and init.secret is None else ()
        return compiled.init + encode(Interface(compiled.abi).constructor, (self.hub, committee, *data))

    def opened(self, logs: Sequence[Log]) -> int:
        """The job that a request opened."""
        event = hub_interface().event("Opened")
        for log in logs:
            if log.address == self.hub and log.topics[0] == event.topic:
                return int.from_bytes(log.topics[1], "big")
        raise AssertionError("a request opened no job")


class Deployed:
    """One generated contract."""

    def __init__(self, chain: Chain, address: str, contract: Contract, interface: Interface, values: Values) -> None:
        self.address, self.name = address, contract.name
        self._chain, self._contract, self._interface, self._values = chain, contract, interface, values

    @property
    def interface(self) -> Interface:
        return self._interface

    def slot(self, name: str) -> Slot:
        return self._contract.slots[name]

    def read(self, slot: str, keys: Sequence[Key], at: int) -> list[Any]:
        """The public leaves under `keys` at block `at`; None where a map has nothing and knows it."""
        found: list[Any] = []
        for start in range(0, len(keys), _PAGE):
            found += self._read(slot, keys[start : start + _PAGE], at)
        return found

    def _read(self, slot: str, keys: Sequence[Key], at: int) -> list[Any]:
        name, type = slot.replace(".", "_"), _leaf_type(self.slot(slot))
        getter, has = self._interface.methods[name], self._interface.methods.get(f"has_{name}")
        calls = [(self.address, method.encode(k)) for method in (getter, has) if method is not None for k in keys]
        raw = self._chain.calls(calls, at)
        there = [has is None or bool(has.decode(r)[0]) for r in raw[-len(keys):]]
        return [self._values.leaves_from(from_abi(getter.decode(r)[0], type), type)[0] if known else None
                for r, known in zip(raw, there, strict=False)]

    def version(self, at: int) -> int:
        return int(self._get("version", at))

    def private_root(self, at: int) -> bytes:
        return bytes(self._get("private_root", at))

    def _get(self, name: str, at: int) -> Any:
        method = self._interface.methods[name]
        return method.decode(self._chain.call(self.address, method.encode(()), tag=at))[0]

    # ---- calls

    def _method(self, function: PlanFunction, prefix: str = "") -> Method:
        return self._interface.methods[prefix + function.name.rpartition(".")[2]]

    def request_data(self, call: LedgerCall) -> tuple[Any, ...]:
        """ABI data of what is public of a job's arguments: the public parameters, and the lengths of private lists."""
        return (*public_data(call.function, call.args, self._values), *private_lengths(call.function, call.shapes))

    def encode(self, function: PlanFunction, args: Key) -> bytes:
        return self._method(function).encode(public_data(function, args, self._values))

    def encode_request(self, call: LedgerCall, masked: bytes, mask: int, fee: int) -> bytes:
        return self._method(call.function, "request_").encode((*self.request_data(call), masked, mask, fee))

    def encode_fulfil(self, job: Job, version: int, attested: Attested, root: bytes, signatures: Any) -> bytes:
        work = work_of(attested)
        return self._method(job.call.function, "fulfil_").encode((
            job.number, job.call.sender.address, job.call.value, *job.public, job.masked, job.mask, version,
            list(attested.words), root, (work.rounds, work.products, work.additions), signature_data(signatures)))

    def digests(self, job: Job, committee: int) -> Call:
        """What `committee` signs of which call a job is."""
        return call_digests(job, self._method(job.call.function, "request_").inputs[:-3], committee)

    def encode_failure(self, job: Job, version: int, error: str, attested: Attested, signatures: Any) -> bytes:
        work, call = work_of(attested), self.digests(job, 0)  # of which only the call's own digests are sent
        return self._interface.methods["report_failure"].encode((
            job.number, call.function, call.arguments, version, error,
            (work.rounds, work.products, work.additions), signature_data(signatures)))

    @property
    def requested(self) -> bytes:
        """The topic of the event that says what a job computes on."""
        return self._interface.event("Requested").topic

    def decode_requested(self, function: PlanFunction, log: Log) -> tuple[tuple[Any, ...], bytes, int]:
        """From that event: what `request_data` gave, the masked inputs, and the mask's number."""
        fields = self._interface.event("Requested").decode(log.topics, log.data)
        *public, masked, mask = decode(self._method(function, "request_").inputs[:-1], fields["arguments"])
        return tuple(public), masked, mask

    def returns(self, function: PlanFunction) -> bool:
        """Whether there is a public result."""
        return any(not leaf.private for leaf in function.result_leaves)

    def decode(self, function: PlanFunction, raw: bytes) -> list[Any]:
        """The public leaves of a result."""
        outputs = self._method(function, "fulfil_" if function.secret is not None else "").decode(raw)
        return _result_leaves(function, outputs, self._values.leaves_from)


def public_data(function: PlanFunction, args: Key, values: Values) -> tuple[Any, ...]:
    """ABI data of the public parameters, from the leaves of all."""
    made, rest = [], list(args)
    for param in function.public.params:
        leaves = leaves_of(param.type, param.private)
        own, rest = rest[: len(leaves)], rest[len(leaves) :]
        if not any(leaf.private for leaf in leaves):
            made.append(to_abi(values.data_from(own, param.type), param.type))
        else:
            made += [to_abi(values.data_from([value], leaf.declared), leaf.declared)
                     for value, leaf in zip(own, leaves, strict=True)
                     if not leaf.private]
    return tuple(made)


def private_lengths(function: PlanFunction, shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """The lengths of the list axes among private arguments of these shapes, as `vyper.jobs.length_params` has them."""
    leaves = [leaf for param in function.public.params for leaf in leaves_of(param.type, param.private) if leaf.private]
    return [size for leaf, shape in zip(leaves, shapes, strict=True)
            for size, exact in zip(shape, leaf.exact, strict=True) if not exact]


def _result_leaves(function: PlanFunction, outputs: tuple[Any, ...], leaves_from: Callable[[Any, Type], list[Any]]
                   ) -> list[Any]:
    type, leaves = function.public.result, function.result_leaves
    if isinstance(type, NoneT):
        return []
    if any(leaf.private for leaf in leaves):
        public = [leaf.declared for leaf in leaves if not leaf.private]
        return [v for data, kind in zip(outputs, public, strict=True) for v in leaves_from(from_abi(data, kind), kind)]
    data = outputs if isinstance(type, TupleT) else outputs[0]
    return leaves_from(from_abi(data, type), type)


def _leaf_type(slot: Slot) -> Type:
    """The language type of a slot's leaf, arrays included."""
    assert isinstance(slot.type, Tensor)
    made: Type = slot.type.element
    for size, exact in zip(reversed(slot.lens), reversed(slot.exact), strict=True):
        made = ArrayT(made, (size,)) if exact and size is not None else ListT(made, size)
    return made
