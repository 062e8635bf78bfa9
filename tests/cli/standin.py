"""A network in this process: a chain, a hub, and a service whose three nodes compute jobs in the clear.

It speaks the protocol of `enig chain up` on its socket, with real keys, masks and signatures, so that the client's
commands can be tested in milliseconds; what real nodes do is tested with them.
"""

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.digests import consent_digest, sign
from enigmalang.chain.errors import ChainError, RpcError
from enigmalang.chain.evm import Call
from enigmalang.chain.follow import Follower
from enigmalang.chain.hub import Parameters, deploy_hub, hub_interface
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.memory import FUNDS
from enigmalang.chain.outcomes import LocalAttesters
from enigmalang.chain.receiving import receiving_key
from enigmalang.chain.requested import read_opened, read_requested
from enigmalang.chain.server import Server
from enigmalang.dht.memory import MemoryStore
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute import onchain
from enigmalang.execute.domain import ClearSecret
from enigmalang.execute.failures import Revert
from enigmalang.execute.masks import unmasked
from enigmalang.execute.requests import Request, private_leaves
from enigmalang.execute.world import World
from enigmalang.fields import field_named
from enigmalang.identity.keys import Keystore
from enigmalang.mpc.outputs import encrypt
from enigmalang.node.devchain import LeafValues
from enigmalang.node.masking import Slot, told_mask
from enigmalang.node.networks import Network, drop_record, keep_record
from enigmalang.node.reserved import delivered_digest, told_digest, written
from enigmalang.plan.codec import decode_plan, hash_plan
from enigmalang.sharing import structure
from enigmalang.sharing.shamir import share
from enigmalang.wire.messages import Parcel

NODES, THRESHOLD = 3, 1


class StandIn:
    """`Evm` for `Server`: the chain's methods pass through, the service's are answered here."""

    def __init__(self, evm: Any, folder: Path, job_time: int = 600) -> None:
        self.evm, self.socket = evm, str(folder / "operator.sock")
        self.chain = Chain(evm)
        self.keys = [SigningKey.generate() for _ in range(NODES)]
        self.operator = SigningKey.generate()
        self.shape = structure(NODES, THRESHOLD)
        for key in (self.operator, *self.keys):
            development.fund(self.chain, key.address, FUNDS)
        self.hub = deploy_hub(self.chain, self.operator, Parameters(job_time=job_time))
        for number, key in enumerate(self.keys, 1):
            self.hub.register(key, bytes([number] * 32), bytes(32), f"unix:{self.socket}", FUNDS // 10)
        members, salt, until = [key.address for key in self.keys], bytes(32), 2**63
        digest = consent_digest(self.hub.domain, members, THRESHOLD, salt, until)
        self.committee = self.hub.form(self.operator, members, THRESHOLD, salt, until,
                                       [sign(digest, key.reveal()) for key in self.keys])
        self.network = Network(self.chain.id, self.socket, self.hub.address, self.committee, self.socket,
                               tuple(members), THRESHOLD, "M61")
        self.plans: dict[bytes, Any] = {}
        self.ledgers: dict[bytes, EvmLedger] = {}
        self.masks: dict[int, tuple[Any, str]] = {}
        self.results: dict[int, dict[str, Any]] = {}
        self.dead = threading.Event()  # nodes that answer, and compute nothing
        self.lies = False  # the operator hands out masks of his own
        self._follower = Follower(self.chain, self.hub.address, [hub_interface().event("Opened").topic], depth=0)

    # ---- the port

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        if not method.startswith("enigma_") or method == "enigma_send":
            return self.evm.request(method, params)
        try:
            return getattr(self, method)(*params)
        except KeyError:
            raise RpcError(-32000, "there is no such plan here") from None

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        return [self.request(method, params) for method, params in calls]

    def enigma_network(self) -> Any:
        return self.network.to_json()

    def enigma_putPlan(self, data: str) -> str:
        plan = decode_plan(bytes.fromhex(data.removeprefix("0x")))
        self.plans[hash_plan(plan)] = plan
        return "0x" + hash_plan(plan).hex()

    def enigma_getPlan(self, name: str) -> str:
        from enigmalang.plan.codec import encode_plan

        return "0x" + encode_plan(self.plans[bytes.fromhex(name.removeprefix("0x"))]).hex()

    def enigma_reserve(self, field: str, size: int, owner: str, receiver: str, nonce: str) -> Any:
        seeds = {subset: os.urandom(16) for subset in self.shape.subsets}
        number, public = len(self.masks) + 1, bytes.fromhex(receiver.removeprefix("0x"))
        clear = {node: b"".join(seeds[s] for s in self.shape.held(node)) for node in self.shape.parties}
        told = {node: encrypt(public, node, clear[node]) for node in self.shape.parties}
        self.masks[number] = told_mask(Slot((size,), False), field, self.shape, clear), owner
        keys = [SigningKey(secrets.token_bytes(32)) for _ in self.keys] if self.lies else self.keys
        signed = {node: keys[node - 1].sign(told_digest(self.hub.domain, number, size, owner, public, told[node],
                                                    bytes.fromhex(nonce[2:])))
                  for node in self.shape.parties}
        return {"mask": number, "told": {str(n): "0x" + m.hex() for n, m in told.items()},
                "signed": {str(n): "0x" + s.to_bytes().hex() for n, s in signed.items()}}

    def enigma_result(self, job: int) -> Any:
        return self.results.get(job, {"status": "open"})

    # ---- computing, in the clear

    def serve(self, stop: threading.Event) -> None:
        for notice in self._follower.stream(stop, 0.02):
            if not self.dead.is_set():
                with suppress(ChainError):  # the chain is being closed
                    self._job(read_opened(notice.log))

    def _ledger(self, plan: Any) -> EvmLedger:
        name = hash_plan(plan)
        if name not in self.ledgers:
            self.ledgers[name] = EvmLedger(
                self.chain, self.hub.address, plan, LeafValues(),
                attesters=LocalAttesters(self.operator, tuple(self.keys[: THRESHOLD + 1])))
        return self.ledgers[name]

    def _job(self, opened: Any) -> None:
        plan = self.plans[self.hub.attachment(opened.contract).plan]
        ledger = self._ledger(plan)
        found = read_requested(self.chain, ledger.contracts, plan, LeafValues(), opened)
        call, job = found.job.call, found.job
        ledger._jobs[opened.job] = job
        mask, _ = self.masks.get(job.mask, (np.array([], object), ""))
        secret = iter([ClearSecret(a if a.ndim else a.item())
                       for a in unmasked(plan.field, job.masked, mask, call.shapes)])
        kinds = private_leaves(call.function.public)
        args = tuple(next(secret) if kind is not None else arg for kind, arg in zip(kinds, call.args, strict=True))
        world = World(plan, ledger, MemoryStore(), Keystore(), chain=ledger)
        world.identities.add(Named(call.sender.address))  # type: ignore[attr-defined]
        request = Request(call.function.public.body.ops[0], call.function, call.address, call.contract,
                          call.sender.address, call.value, args)
        work, version = onchain.Work(world), ledger.version(call.address)
        try:
            made = onchain.outcome(world, request)
        except Revert as failure:
            ledger.report_failure(opened.job, version, failure.text, work.attested((), ()))
            self.results[opened.job] = {"status": "failed", "error": failure.text}
            return
        attested = work.attested(onchain.words_of(made.revealed), tuple(made.context.writes))
        ledger.fulfil(opened.job, version, attested)
        ledger.keep(made.context.writes)
        self.results[opened.job] = self._told(opened.job, call.sender.address, plan.field, made.results)

    def _told(self, job: int, receiver: str, field: str, results: Sequence[Any]) -> dict[str, Any]:
        key, kind = receiving_key(self.chain, self.hub.address, receiver), field_named(field)
        rows: dict[int, list[Parcel]] = {node: [] for node in self.shape.parties}
        for envelope in results:
            array = np.asarray(envelope.content, dtype=object)
            assert key is not None
            pieces = share(kind, kind.from_ints(array.reshape(-1)), NODES, THRESHOLD)
            for node, piece in pieces.items():
                rows[node].append(Parcel(receiver, list(array.shape), False, False,
                                         encrypt(key, node, bytes(kind.to_bytes(piece)))))
        signed = {node: self.keys[node - 1].sign(delivered_digest(self.hub.domain, job, row, []))
                  for node, row in rows.items()}
        return {"status": "fulfilled", "results": {str(n): [written(p) for p in row] for n, row in rows.items()},
                "parcels": {str(n): [] for n in rows},
                "signed": {str(n): "0x" + s.to_bytes().hex() for n, s in signed.items()}}


class Named:
    """A requester of whom the address alone is known."""

    def __init__(self, address: str) -> None:
        self.name = self.address = address
        self.public_key = self.private_key = b""


@contextmanager
def standing_in(evm: Any, folder: Path, job_time: int = 600) -> Iterator[StandIn]:
    """The network, up; its record is in $ENIGMALANG_HOME."""
    made, stop = StandIn(evm, folder, job_time), threading.Event()
    with Server(made, Path(made.socket)):
        keep_record(made.network)
        thread = threading.Thread(target=made.serve, args=(stop,))
        thread.start()
        try:
            yield made
        finally:
            stop.set()
            thread.join()
            drop_record(made.network)
