"""A contract on the embedded EVM and in the interpreter, called alike: results, state, events, reverts must agree."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.chain import abi
from enigmalang.chain.client import Chain
from enigmalang.chain.compiling import compile_source
from enigmalang.chain.embedded import EmbeddedEvm
from enigmalang.chain.errors import Reverted
from enigmalang.chain.interface import Interface
from enigmalang.chain.memory import FUNDS, Event
from enigmalang.chain.vyper import compile_contract
from enigmalang.compiler import compile_file
from enigmalang.diagnostics import EnigmaError, Sink, render
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.defaults import slot_shape, zero_of
from enigmalang.execute.domain import ShapeDomain, peek
from enigmalang.execute.failures import Revert
from enigmalang.execute.handlers import CONTRACT
from enigmalang.execute.machine import Context, Machine
from enigmalang.execute.requests import Request, check_public, check_public_ranges, commit, pay
from enigmalang.execute.secret import Secret
from enigmalang.execute.values import data_from, leaves_from, show
from enigmalang.ir.ir import Operation, Slot, Tensor, operations
from enigmalang.ir.leaves import leaves_of
from enigmalang.node.local import local_world
from enigmalang.plan.plan import Plan, PlanFunction
from enigmalang.source import Span
from enigmalang.types.types import ADDRESS as _ADDRESS
from enigmalang.types.types import UINT256 as _UINT
from enigmalang.types.types import Label, NoneT, TupleT

HERE = Path(__file__).parent
ACCOUNTS = tuple(SigningKey(keccak256(bytes([n]))) for n in range(3))
COMMITTEE = 7
#: The whole state is compared after so many calls.
_EVERY = 5
_NO_WORK, _NO_SIGNATURES = (0, 0, 0), ()


def plan_of(path: Path) -> Plan:
    sink = Sink()
    plan = compile_file(str(path), sink)
    assert plan is not None, render(sink.diagnostics)
    return plan


@cache
def _stub() -> Any:
    return compile_source((HERE / "stub_hub.vy").read_text("utf-8"), "stub_hub")


class Twin:
    """One contract twice. `beside`: another one of the same program, on whose chains it is put."""

    def __init__(
        self, plan: Plan, name: str, args: Sequence[Any] = (), value: int = 0, beside: "Twin | None" = None
    ) -> None:
        self.plan, self.name = plan, name
        made = compile_contract(plan, name)
        self.generated = made.generated
        self.interface = Interface(made.compiled.abi)
        if beside is not None:
            self.chain, self.hub, self.world = beside.chain, beside.hub, beside.world
        else:
            self.chain = Chain(EmbeddedEvm(funds={key.address: FUNDS for key in ACCOUNTS}))
            self.hub = self.chain.deploy(ACCOUNTS[0], _stub().init).contract
            self.world = local_world(plan)
        self.ledger: Any = self.world.ledger
        self.jobs, self.calls = 0, 0
        self.words: list[int] = []  # what the last job revealed, also when it failed
        init = plan.functions.get(f"{name}.init")
        types = [p.type for p in init.public.params] if init is not None and init.secret is None else []
        inside = abi.encode([self.hub, COMMITTEE, *args], [_ADDRESS, _UINT, *types])
        receipt = self.chain.deploy(ACCOUNTS[0], made.compiled.init, inside, value)
        assert receipt.contract is not None
        self.address: str = receipt.contract
        self.ledger._contracts[self.address] = name
        if init is not None and init.secret is None:
            self._sync(-1)
            self._interpret(init, args, ACCOUNTS[0].address, value)
        self.check_state()

    # ---- one call on both

    def call(self, function: str, *args: Any, sender: int = 0, value: int = 0) -> Any:
        """The result, or the failure's text; both sides agree on it."""
        planned = self.plan.functions[f"{self.name}.{function}"]
        key = ACCOUNTS[sender]
        self._sync(0 if planned.secret is None and planned.public.kind != "view" else 1)
        before = len(self.ledger.events)
        wanted: Any
        failure: Revert | None = None
        words: list[int] = []
        try:
            wanted, words = self._interpret(planned, args, key.address, value)
        except Revert as caught:
            wanted, failure, words = None, caught, self.words
        try:
            got, events = self._on_chain(planned, args, key, value, words)
        except Reverted as caught:
            assert failure is not None, f"{function}{args} reverts on the EVM only: {caught}"
            self._same_failure(failure, caught)
            return failure.error or failure.text
        assert failure is None, f"{function}{args} does not revert on the EVM: {failure}"
        assert got == wanted, f"{function}{args}: {got} on the EVM, {wanted} in the interpreter"
        assert events == [self._event(e) for e in self.ledger.events[before:]]
        self.calls += 1
        if self.calls % _EVERY == 0:
            self.check_state()
        return wanted

    def _sync(self, ahead: int) -> None:
        block = self.chain.block()
        self.ledger.number, self.ledger.time = block.number + 1 + ahead, block.time + 1 + ahead

    def _interpret(self, planned: PlanFunction, args: Sequence[Any], sender: str, value: int) -> tuple[Any, list[int]]:
        world, ledger = self.world, self.ledger
        leaves: list[Any] = []
        for param, arg in zip(planned.public.params, args, strict=True):
            leaves += leaves_from(arg, param.type)
        leaves = [leaf.lower() if isinstance(leaf, str) and leaf.startswith("0x") else leaf for leaf in leaves]
        op = Operation("call_contract", (), (), Span("test", 1, 1, 1, 1))
        request = Request(op, planned, self.address, self.name, sender, value, tuple(leaves))
        mark = ledger.checkpoint()
        try:
            pay(world, request)
            check_public_ranges(request)
            shown, words = self._run(planned, request, sender, value, leaves)
        except Revert:
            ledger.rollback(mark)
            raise
        if planned.public.kind == "view":
            ledger.rollback(mark)
        ledger._journal.clear()
        public = [leaf for leaf in planned.result_leaves if not leaf.private]
        if isinstance(planned.public.result, NoneT) or not public:
            return None, words
        if len(public) < len(planned.result_leaves):
            type: Any = TupleT(tuple(leaf.declared for leaf in public))
        else:
            type = planned.public.result
        return data_from(shown, type), words

    def _run(self, planned: PlanFunction, request: Request, sender: str, value: int,
             leaves: list[Any]) -> tuple[list[Any], list[int]]:
        world, ledger = self.world, self.ledger
        if planned.secret is None:
            context = Context("whole", self.name, self.address, sender, value)
            return Machine(world, world.domain, context, CONTRACT).run(planned.public, leaves), []
        kinds = [leaf for p in planned.public.params for leaf in leaves_of(p.type, p.private)]
        hidden = [world.domain.share(a, k.type, client=True) if k.private else a  # type: ignore[arg-type]
                  for a, k in zip(leaves, kinds, strict=True)]
        request = Request(request.op, planned, self.address, self.name, sender, value, tuple(hidden))
        mark = ledger.checkpoint()
        check_public(world, request)
        ledger.rollback(mark)
        secret = Context("secret", self.name, self.address, sender, value)
        try:
            machine = Machine(world, world.domain, secret, CONTRACT)
            machine.run(planned.secret, hidden)
        finally:
            ledger.rollback(mark)
            revealed = [peek(v) if isinstance(v, Secret) else machine.forced(v) for v in secret.revealed]
            self.words = [w for v in revealed for w in _words(v)]
        public = Context("ledger", self.name, self.address, sender, value, attested=list(revealed))
        shapes = ShapeDomain()
        seen = [shapes.zero(k.type, np.shape(a)) if k.private else a  # type: ignore[arg-type]
                for a, k in zip(leaves, kinds, strict=True)]
        try:
            shown = Machine(world, shapes, public, CONTRACT).run(planned.public, seen)
        finally:
            self.words = [w for v in (*public.said, *(public.attested or ())) for w in _words(v)]
        if planned.public.kind != "view":
            commit(world, secret)
        return shown, self.words

    def _on_chain(self, planned: PlanFunction, args: Sequence[Any], key: SigningKey, value: int,
                  words: list[int]) -> tuple[Any, list[Event]]:
        short = planned.name.rpartition(".")[2]
        public, lengths, inputs = self._split(planned, args)
        if planned.secret is not None:
            asked = self.interface.methods[f"request_{short}"].encode([*public, *lengths, inputs, 5, 0])
            self.chain.send(key, self.address, asked, value)
            self.jobs += 1
            version = self.number("version")
            root = self.read("private_root")[0]
            method = self.interface.methods[f"fulfil_{short}"]
            data = method.encode([self.jobs, key.address, value, *public, *lengths, inputs, 5, version, words, root,
                                  _NO_WORK, _NO_SIGNATURES])
            value = 0
        else:
            method = self.interface.methods[short]
            data = method.encode(public)
        returned = self.chain.call(self.address, data, sender=key.address, value=value)
        logs: list[Event] = []
        if planned.public.kind != "view" or planned.secret is not None:
            receipt = self.chain.send(key, self.address, data, value)
            logs = [self._log(log) for log in receipt.logs if log.address.lower() == self.address.lower()]
        return self._decoded(planned, method.decode(returned)), logs

    def _split(self, planned: PlanFunction, args: Sequence[Any]) -> tuple[list[Any], list[int], bytes]:
        """Public arguments, public lengths of private lists, and bytes as long as the masked inputs."""
        public, lengths, size = [], [], 0
        for param, arg in zip(planned.public.params, args, strict=True):
            leaves = leaves_of(param.type, param.private)
            if any(not leaf.private for leaf in leaves):
                public.append(abi.to_abi(arg, param.type))
            for leaf, value in zip(leaves, leaves_from(arg, param.type), strict=True):
                if leaf.private:
                    shape = np.shape(value)
                    lengths += [n for n, exact in zip(shape, leaf.exact, strict=True) if not exact]
                    size += int(np.prod(shape, dtype=int))
        return public, lengths, bytes(size * (8 if self.plan.field == "M61" else 16))

    def _decoded(self, planned: PlanFunction, values: tuple[Any, ...]) -> Any:
        public = [leaf for leaf in planned.result_leaves if not leaf.private]
        result = planned.public.result
        if isinstance(result, NoneT) or not public:
            return None
        if len(public) < len(planned.result_leaves):
            return tuple(abi.from_abi(v, leaf.declared) for v, leaf in zip(values, public, strict=True))
        return abi.from_abi(values, result) if isinstance(result, TupleT) else abi.from_abi(values[0], result)

    # ---- what is compared

    def _same_failure(self, failure: Revert, caught: Reverted) -> None:
        revert, code = caught.revert, failure.diagnostic.code
        if failure.error is not None:
            assert revert.kind == "custom", (failure.text, revert)
            fields = self.plan.contracts[self.name].errors[failure.error]
            signature = f"{failure.error}({','.join(abi.abi_name(t) for _, t in fields)})"
            assert revert.selector == keccak256(signature.encode())[:4]
            found = abi.decode(revert.data[4:], [t for _, t in fields])
            shown = ", ".join(f"{n}={show(leaves_from(d, t), t)}" for (n, t), d in zip(fields, found, strict=True))
            assert failure.text == f"{failure.error}({shown})"
        elif code == "E0501" and failure.diagnostic.message.startswith("reverted: "):
            silent = failure.text.startswith("reverted: ")
            wanted = "execution reverted without a reason" if silent else failure.text
            assert revert.text == wanted, (failure, revert)
        else:
            assert revert.kind != "custom", (failure, revert)
            assert revert.text not in self._texts(), (failure, revert)

    def _texts(self) -> set[str]:
        """What the program's own `require` lines say."""
        found = set()
        for function in self.plan.functions.values():
            if function.public.contract != self.name:
                continue
            for op in operations(function.public.body):
                if op.op == "const" and isinstance(op.attrs["value"], str):
                    found.add(op.attrs["value"])
        return found

    def read(self, getter: str, *keys: Any) -> tuple[Any, ...]:
        method = self.interface.methods[getter]
        return method.decode(self.chain.call(self.address, method.encode(keys)))

    def hub_has(self, key: bytes) -> bool:
        """Whether the hub's log has anything under `key`."""
        method = Interface(_stub().abi).methods["has"]
        assert self.hub is not None
        return bool(method.decode(self.chain.call(self.hub, method.encode([key])))[0])

    def number(self, getter: str) -> int:
        return int(self.read(getter)[0])

    def check_state(self) -> None:
        """Every slot that the interpreter has written is the same on the chain; lengths of private lists too."""
        slots = self.plan.contracts[self.name].slots
        seen = {(slot.name, ()) for slot in slots.values() if not slot.keys}
        seen |= {(name, keys) for address, name, keys in self.ledger._slots if address == self.address}
        for name, keys in seen:
            self._check_slot(slots[name], keys)
        assert self.chain.balance(self.address) == self.ledger.balance(self.address)

    def _check_slot(self, slot: Slot, keys: tuple[Any, ...]) -> None:
        getter = slot.name.replace(".", "_")
        held = self.ledger.get(self.address, slot.name, keys)
        if slot.name in self.generated.tracked:
            assert self.read(f"has_{getter}", *keys) == (held is not None,), (slot.name, keys)
        if slot.label is Label.PRIVATE:
            if not all(slot.exact):
                shape = held.shape if held is not None else (0,) * len(slot.lens)
                wanted = tuple(n for n, exact in zip(shape, slot.exact, strict=True) if not exact)
                assert self.read(f"lengths_{getter}", *keys) == wanted, (slot.name, keys)
            return
        found = abi.from_abi(self.read(getter, *keys)[0], slot.declared)
        assert isinstance(slot.type, Tensor)
        if held is None:
            held = zero_of(slot.type, slot_shape(slot))
        assert found == data_from([held], slot.declared), (slot.name, keys)

    def _event(self, event: Event) -> tuple[str, list[Any]]:
        fields, leaves, made = self.plan.contracts[self.name].events[event.name], list(event.args), []
        for _, type in fields:
            count = len(leaves_of(type))
            made.append(data_from(leaves[:count], type))
            leaves = leaves[count:]
        return event.name, made

    def _log(self, log: Any) -> Any:
        topics = [t if isinstance(t, bytes) else bytes.fromhex(t[2:]) for t in log.topics]
        found = self.interface.events[topics[0]]
        values = found.decode(topics, log.data)
        fields = self.plan.contracts[self.name].events[found.name]
        return found.name, [abi.from_abi(values[name], type) for name, type in fields]


def _words(value: Any) -> list[int]:
    """As the nodes attest it: a scalar is one word; of an array first a length of each axis."""
    if isinstance(value, np.ndarray):
        return [*value.shape, *(int(v) for v in value.flat)]
    return [int(value)]


def errors_of(plan: Plan, name: str) -> list[str]:
    try:
        compile_contract(plan, name)
    except EnigmaError as error:
        return [error.diagnostic.code]
    return []




