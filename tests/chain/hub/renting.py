"""The rent contract beside the hub of `actors.World`."""

from collections.abc import Sequence
from typing import Any

from actors import Actor, World
from machine import Contract, Receipt

from enigmalang.chain.compiling import own_contract
from enigmalang.chain.storage import lease_name
from enigmalang.dht.rent import Lease, LeaseStanding, State, Terms, standing

#: 2^30 bytes cost PRICE a second, so SIZE bytes cost RATE.
PRICE, SIZE, RATE = 2**30, 100, 100
WINDOW, RESTRICTED, GRACE, AHEAD = 1000, 70, 300, 10
TERMS = Terms(RESTRICTED, GRACE, AHEAD)
KEY = bytes(31) + b"k"


class Rent:
    """The contract, and what is done with it in most tests: Alice's lease for KEY of DHT."""

    def __init__(self, world: World) -> None:
        self.world, self.machine = world, world.machine
        self.contract: Contract = world.machine.deploy(
            own_contract("Storage"), world.alice.address, world.hub.address, PRICE, WINDOW, RESTRICTED, GRACE, AHEAD)
        self.lease = self.lease_of(world.alice)
        self._known: dict[Any, Any] = {}

    def lease_of(self, owner: Actor, key: bytes = KEY) -> bytes:
        return lease_name(owner.address, 1, key)

    def read(self, name: str, *args: Any) -> Any:
        """A view's answer, asked once between two transactions."""
        asked = name, args, self.machine.now
        if asked not in self._known:
            self._known[asked] = self.contract.call(name, *args)
        return self._known[asked]

    def forget(self) -> None:
        """Something changed: what was read counts no more."""
        self._known.clear()

    def send(self, name: str, *args: Any, by: Actor, value: int = 0) -> Receipt:
        self.forget()
        return self.contract.send(name, *args, sender=by.address, value=value)

    def store(self, by: Actor, holders: Sequence[Actor], period: int = 100, renews: bool = True, size: int = SIZE,
              key: bytes = KEY, value: int = 0) -> Receipt:
        return self.send("store", 1, key, size, period, renews, [h.address for h in holders], by=by, value=value)

    def balance(self, who: Actor) -> int:
        return self.read("balance_of", who.address)

    def found(self, lease: bytes | None = None) -> dict[str, Any]:
        return self.read("lease", lease or self.lease)

    def standing(self, lease: bytes | None = None) -> LeaseStanding:
        found = self.read("standing", lease or self.lease)
        return LeaseStanding(State(found["state"]), found["until"], found["balance"], found["renewals"])

    def expected(self, lease: bytes | None = None) -> LeaseStanding:
        """What `dht.rent` says of a lease that there is."""
        found = self.found(lease)
        cost = found["rate"] * found["period"] * len(found["holders"])
        balance = self.read("balance_of", found["owner"])
        return standing(Lease(found["until"], cost, found["period"]), balance, self.machine.now, TERMS)

    def prepaid(self, lease: bytes) -> int:
        """Wei that a lease still holds: what its holders have not been paid for."""
        found = self.found(lease)
        return sum((found["until"] - self.read("paid_to", lease, holder)) * found["rate"]
                   for holder in found["holders"])
