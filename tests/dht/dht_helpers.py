"""A small world for tests of the DHT: places that are easy to read, and a registry of them."""

from collections.abc import Iterable

from enigmalang.dht import ports
from enigmalang.dht.machine import Machine
from enigmalang.dht.placement import Standing
from enigmalang.dht.ports import Effect
from enigmalang.dht.settings import Settings
from enigmalang.wire import dht_messages as wire

SMALL = Settings(k=3, alpha=2, budget=20, patience=2)


def name(place: int) -> str:
    """The address of the node at a (small) place."""
    return f"0x{place:040x}"


class World:
    """The nodes at these places are registered; their addresses say where."""

    def __init__(self, places: Iterable[int]) -> None:
        self.places = set(places)
        self.standings: dict[str, Standing] = {}

    def place(self, address: str) -> int | None:
        place = int(address[2:], 16)
        return place if place in self.places else None

    def address(self, place: int) -> str | None:
        return name(place) if place in self.places else None

    def standing(self, address: str) -> Standing | None:
        return self.standings.get(address, Standing(10)) if self.place(address) is not None else None


def machine_at(place: int, world: World, settings: Settings = SMALL) -> Machine:
    return Machine(name(place), place, world, b"salt", settings)


def hear(machine: Machine, place: int, message: wire.Request | wire.Reply, now: float = 0.0) -> list[Effect]:
    return machine.handle(ports.Heard(name(place), message), now)


def meet(machine: Machine, places: Iterable[int], now: float = 0.0) -> list[Effect]:
    """The nodes at these places send a ping each; all effects."""
    return [effect for place in places for effect in hear(machine, place, wire.Ping(0), now)]


def asks(effects: Iterable[Effect]) -> list[tuple[int, wire.Request]]:
    """Who is asked for what."""
    return [(int(effect.peer[2:], 16), effect.message) for effect in effects if isinstance(effect, ports.Ask)]


def asked(effects: Iterable[Effect]) -> dict[int, int]:
    """The places that are asked, and the numbers of the requests."""
    return {place: message.number for place, message in asks(effects)}


def nodes(number: int, places: Iterable[int], free: int = 1 << 30) -> wire.Nodes:
    return wire.Nodes(number, [name(place) for place in places], free)
