"""What `enig run --network` does: a script whose ledger and off-chain storage are a network's."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from enigmalang.chain.client import Chain
from enigmalang.cli.acting import acting
from enigmalang.cli.inputs import Inputs
from enigmalang.cli.programs import Refused, as_diagnostic, check_inputs, compiled
from enigmalang.cli.remotely import remotely
from enigmalang.cli.report import say, show
from enigmalang.cli.running import shown_stats
from enigmalang.cli.session import Session, Settings
from enigmalang.execute.ports import EngineError
from enigmalang.execute.runner import run_function
from enigmalang.execute.world import NOBODY_NAMED
from enigmalang.identity.keys import Identity, Keystore
from enigmalang.plan.plan import Plan

if TYPE_CHECKING:
    from enigmalang.node.remote import Served


@dataclass(frozen=True, slots=True)
class Place:
    """Where the network is (None: the one that is up here), who acts where the program names nobody, the contract that
    rent is paid to, for so many seconds at a time, the vault that `MPC` is kept in, and the wei offered for an order.
    """

    url: str | None = None
    hub: str | None = None
    key: str | None = None
    password_file: Path | None = None
    rent: str | None = None
    period: int = 0
    vault: str | None = None
    fee: int | None = None


class NetworkKeys(Keystore):
    """Identities by the names of keys that are kept here; on a development chain any other name is one's, too."""

    def __init__(self, chain: Chain, place: Place) -> None:
        super().__init__()
        self._chain, self._place, self._opened = chain, place, dict[str, Identity]()

    def get(self, name: str) -> Identity:
        """Raises RemoteError E0710."""
        if name not in self._opened:
            asked = self._place.key if name == NOBODY_NAMED else name
            self._opened[name] = found = acting(self._chain, asked, self._place.password_file)
            self.add(found)
        return self._opened[name]


def run_on_network(path: str, settings: Settings, inputs: Inputs, stats: bool, place: Place) -> int:
    """Run the script at `path`; the exit status."""
    def run() -> int:
        try:
            return _run(_checked(path, inputs, settings.engine), settings, inputs, stats, place)
        except EngineError as error:
            show([as_diagnostic(error, path)])
            return 1

    return remotely(run, path)


def _checked(path: str, inputs: Inputs, engine: str) -> Plan:
    """Raises Refused, RemoteError, EnigmaError."""
    from enigmalang.node.network_check import off_network, uses_entries
    from enigmalang.node.remote import RemoteError

    plan = compiled(path)
    if plan.script is None:
        raise RemoteError("E0516", f"{path} has no statements to run on a network",
                          "tests run without --network, on ledgers of their own")
    if found := off_network(plan):
        raise Refused(found)
    if engine != "mpc" and uses_entries(plan):
        raise RemoteError("E0803", f"{path} uses `MPC`: on a network its nodes compute, and there is no --engine "
                          f"{engine}", "leave --engine out")
    check_inputs(plan, inputs)
    return plan


def _print(text: str) -> None:
    sys.stdout.write(text)


def _run(plan: Plan, settings: Settings, inputs: Inputs, stats: bool, place: Place) -> int:
    from enigmalang.chain.hub import Hub
    from enigmalang.chain.ledger import FEE, EvmLedger
    from enigmalang.chain.logbook import Logbook
    from enigmalang.node.devchain import LeafValues
    from enigmalang.node.network_check import uses_entries
    from enigmalang.node.network_store import NetworkStore
    from enigmalang.node.network_world import vault_world
    from enigmalang.node.remote import active_nodes, choose_network
    from enigmalang.node.remote_nodes import Nodes
    from enigmalang.node.remote_storage import Rent, rent_contract
    from enigmalang.node.vault_places import choose_vault

    with ExitStack() as stack:
        chain, network = choose_network(place.url, place.hub)
        stack.enter_context(chain.evm)
        hub, keys = Hub(chain, network.hub), NetworkKeys(chain, place)
        ledger = EvmLedger(chain, network.hub, plan, LeafValues())
        types = Logbook(chain, network.hub, plan, LeafValues())
        rent = Rent(rent_contract(chain, place.rent), place.period, renews=True) if place.rent else None
        nodes = stack.enter_context(Nodes(active_nodes(hub)))
        store = stack.enter_context(NetworkStore(hub, nodes, keys, types.type_of, rent))
        around = {"store": store, "identities": keys, "inputs": inputs, "out": _print}
        assert plan.script is not None
        if uses_entries(plan):
            vault = stack.enter_context(_served(choose_vault(
                chain, network, place.vault, lambda: keys.get(NOBODY_NAMED), say)))
            world = stack.enter_context(vault_world(
                plan, vault, ledger, types.type_of, around, say, FEE if place.fee is None else place.fee))
            run_function(world, plan.script)
            assert world.engine is not None
            used = world.engine.stats()
        else:
            session = stack.enter_context(Session(settings))
            with session.timed("run"):
                run_function(session.world(plan, inputs, _print, around={**around, "chain": lambda: ledger}),
                             plan.script)
            used = session.stats()
        if stats:
            sys.stdout.flush()
            sys.stderr.write(shown_stats(used))
    return 0


@contextmanager
def _served(vault: "Served") -> Iterator["Served"]:
    """Its chain is another's to close."""
    try:
        yield vault
    finally:
        if vault.service is not None:
            vault.service.close()
