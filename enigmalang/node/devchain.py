"""A development chain with the hub and a committee on it, for the programs of one command.

The committee's keys sign in this process: they stand for the nodes, which are children of this same command. (Nodes
that sign for themselves, with keys of their own, are those of `enig chain up`.)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.digests import consent_digest, sign
from enigmalang.chain.errors import ChainError, shown
from enigmalang.chain.hub import Hub, Parameters, deploy_hub
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.memory import FUNDS
from enigmalang.chain.outcomes import LocalAttesters
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import number_word
from enigmalang.execute import values
from enigmalang.identity.keys import Keystore
from enigmalang.plan.plan import Plan
from enigmalang.types.types import Type


class LeafValues:
    """`chain.deployed.Values`, as the interpreter has them."""

    def data_from(self, leaves: Sequence[Any], type: Type) -> Any:
        return values.data_from(leaves, type)

    def leaves_from(self, data: Any, type: Type) -> list[Any]:
        return values.leaves_from(data, type)

    def any_value(self, type: Type, leaves: Sequence[Any]) -> values.AnyValue:
        return values.AnyValue(type, tuple(leaves))


def form_committee(hub: Hub, keys: Sequence[SigningKey], threshold: int) -> int:
    """Register `keys` as nodes and make a committee of them; its number. They need money for their deposits."""
    for number, key in enumerate(keys, 1):
        if not hub.is_active(key.address):
            hub.register(key, number_word(number), bytes(32), "local", Parameters().minimum_deposit)
    members, salt, until = [key.address for key in keys], bytes(32), 2**63
    digest = consent_digest(hub.domain, members, threshold, salt, until)
    return hub.form(keys[0], members, threshold, salt, until, [sign(digest, key.reveal()) for key in keys])


@dataclass(slots=True)
class DevChain:
    """A chain, its hub, a committee of keys, and a snapshot of that."""

    chain: Chain
    hub: str
    committee: int
    attesters: LocalAttesters
    _snapshot: int = field(default=0)
    _since: int = field(default=0)

    @classmethod
    def on(cls, chain: Chain, nodes: int = 3, threshold: int | None = None) -> "DevChain":
        """Everything deployed on `chain`, which must be a development chain."""
        store, threshold = Keystore(), (nodes - 1) // 2 if threshold is None else threshold
        keys = [_key(store, f"enigmalang node {number}") for number in range(1, nodes + 1)]
        operator = _key(store, "enigmalang operator")
        for key in (operator, *keys):
            development.fund(chain, key.address, FUNDS)
        hub = deploy_hub(chain, operator, Parameters(round_weight=0, product_weight=0, addition_weight=0))
        committee = form_committee(hub, keys, threshold)
        made = cls(chain, hub.address, committee, LocalAttesters(operator, tuple(keys[: threshold + 1])))
        made._snapshot, made._since = development.snapshot(chain), chain.block_number()
        return made

    @classmethod
    def embedded(cls, nodes: int = 3, threshold: int | None = None) -> "DevChain":
        """On a new chain in this process."""
        from enigmalang.chain.embedded import EmbeddedEvm

        return cls.on(Chain(EmbeddedEvm()), nodes, threshold)

    @classmethod
    def at(cls, url: str, nodes: int = 3, threshold: int | None = None) -> "DevChain":
        """On the chain behind `url`. Raises ChainError when it cannot be reached, or is no development chain."""
        from enigmalang.chain.rpc import RpcEvm

        chain = Chain(RpcEvm(url))
        if not chain.development:
            chain.evm.close()
            raise ChainError(f"the chain at {shown(url)} ({chain.client}) is no development chain: programs and "
                             "tests run on anvil, or, without --chain, on an EVM of their own; `enig deploy` is for "
                             "real chains")
        return cls.on(chain, nodes, threshold)

    def fresh(self, plan: Plan) -> EvmLedger:
        """A ledger for one run of `plan`; what was on the chain before it is undone."""
        development.restore(self.chain, self._snapshot)
        self._snapshot = development.snapshot(self.chain)
        return EvmLedger(self.chain, self.hub, plan, LeafValues(), committee=self.committee, attesters=self.attesters,
                         node=self.attesters.keys[0], since=self._since)

    def close(self) -> None:
        self.chain.evm.close()


def _key(store: Keystore, name: str) -> SigningKey:
    key = store.get(name).signing
    assert key is not None
    return key
