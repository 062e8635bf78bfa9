"""The surroundings of a script whose private computing is done by the nodes of a vault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from enigmalang.chain.ledger import FEE, EvmLedger
from enigmalang.execute.trace import Tracer
from enigmalang.execute.world import World
from enigmalang.identity.keys import Identity
from enigmalang.node.local import local_world
from enigmalang.node.network_engine import NetworkEngine
from enigmalang.node.network_entries import NetworkEntries
from enigmalang.node.remote import Served
from enigmalang.node.vault_client import VaultClient
from enigmalang.plan.plan import Plan
from enigmalang.types.types import Type


@contextmanager
def vault_world(plan: Plan, vault: Served, ledger: EvmLedger, type_of: Callable[[str], Type | None],
                around: Mapping[str, Any], say: Callable[[str], None] = lambda text: None, fee: int = FEE
                ) -> Iterator[World]:
    """`around`: what else `local_world` is given; `fee`: wei that is offered for each order. At the end the script's
    session with the nodes ends."""
    def actors() -> Sequence[Identity]:
        me = world.actor
        others = (world.identities.at(address) for address in sorted(world.signers - {me.address}))
        return [each for each in (me, *others) if isinstance(each, Identity)]

    engine = NetworkEngine(VaultClient(vault, ledger, actors, say, fee))
    tracer = Tracer(engine, numbers=True)
    world = local_world(plan, engine, tracer=tracer, chain=lambda: ledger,
                        entries=NetworkEntries(engine, tracer, ledger, type_of), **around)
    try:
        yield world
    finally:
        engine.close()
