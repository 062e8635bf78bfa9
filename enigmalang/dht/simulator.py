"""How the DHT behaves at size: thousands of nodes in virtual time, with latency, loss, crashes, newcomers and liars.

`python -m enigmalang.dht.simulator --nodes 10000 --lookups 1000 --churn 0.1 --seed 1` prints hops, messages and how
many lookups found what they should; `--json` the same for programs. The same arguments give the same numbers.
"""

import argparse
import gc
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean, median
from time import process_time

from enigmalang.dht import ports
from enigmalang.dht.ids import bytes_id, key_id
from enigmalang.dht.ports import Effect, Event
from enigmalang.dht.settings import Settings
from enigmalang.dht.virtual import Answer, Network, Weather, nearest_places
from enigmalang.wire import dht_messages as wire

#: How many copies of a record are placed.
COPIES = 5
#: Bootstrap nodes of a newcomer.
_DOORS = 3
#: Seconds after the end of a scenario for what is still under way.
_GRACE = 300.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """`churn`: the share of the nodes that crash, each replaced by a newcomer, at any time within `seconds`; `loss`:
    the share of messages that never arrive; `liars`: the share of nodes that only ever tell of each other. With
    `records`, so many are placed at the beginning, and lookups are of records; nobody repairs what crashes take away.
    """

    nodes: int
    lookups: int
    seed: int = 1
    churn: float = 0.0
    loss: float = 0.0
    liars: float = 0.0
    records: int = 0
    seconds: float = 1800.0


@dataclass(frozen=True, slots=True)
class Report:
    """`success`: the share of lookups that found the living node nearest to the target, or the record; those that were
    `abandoned`, since their own node crashed, do not count. `recall`: of the k living nodes nearest to the target, the
    share that is found (without records). Hops, messages (requests and replies) and seconds are of one lookup.
    `joined`: the share of newcomers that found somebody. `events`: what was simulated.
    """

    success: float
    recall: float | None
    answered: int
    abandoned: int
    hops_median: float
    hops_max: int
    messages_mean: float
    messages_max: int
    seconds_median: float
    seconds_max: float
    joined: float | None
    events: int


class Liar:
    """A registered node that answers like an honest one, but knows only liars: those nearest to what is asked for."""

    def __init__(self, network: Network, liars: list[int], k: int) -> None:
        self._network = network
        self._liars = liars
        self._k = k

    def handle(self, event: Event, now: float) -> list[Effect]:
        match event:
            case ports.Heard(sender, wire.FindNode(number, target)):
                return [ports.Answer(sender, self._friends(number, bytes_id(target)))]
            case ports.Heard(sender, wire.FindValue(number, key)):
                return [ports.Answer(sender, self._friends(number, key_id(key)))]
            case ports.Heard(sender, wire.Ping(number)):
                return [ports.Answer(sender, wire.Pong(number))]
            case ports.Heard(sender, wire.Store(number)):
                return [ports.Answer(sender, wire.Stored(number, True))]
        return []

    def _friends(self, number: int, target: int) -> wire.Nodes:
        places = nearest_places(self._liars, target, self._k)
        friends = [friend for place in places if (friend := self._network.address(place)) is not None]
        return wire.Nodes(number, friends, 1 << 62)


@dataclass(frozen=True, slots=True)
class _Try:
    """A lookup: whose, since when, and what it should find: the nearest nodes that live then, or a record."""

    asker: str
    started: float
    nearest: tuple[str, ...]
    record: bytes | None


class Simulation:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, settings: Settings | None = None) -> None:
        self._scenario = scenario
        self._settings = settings or Settings()
        self._rng = Random(scenario.seed)
        weather = Weather(loss=scenario.loss)
        self._net = Network(scenario.nodes, self._rng.getrandbits(64), self._settings, weather)
        self._liars = self._choose_liars()
        self._records: dict[bytes, bytes] = {}
        self._tries: dict[int, _Try] = {}
        self._joining: dict[str, int] = {}  # newcomers: the tickets of their requests to join
        self._crashed: dict[str, float] = {}
        self._ticket = 0

    def run(self) -> Report:
        """To be called once."""
        self._place_records()
        begin = self._net.now
        for at, happen in sorted(self._plan()):
            self._net.run(begin + at)
            match happen:
                case "lookup":
                    self._look_up()
                case "crash":
                    self._crash()
                case _:
                    self._join()
        self._net.run(begin + self._scenario.seconds + _GRACE, self._tries)
        return self._report()

    def _choose_liars(self) -> set[str]:
        places = sorted(self._rng.sample(self._net.alive, round(self._scenario.liars * self._scenario.nodes)))
        liar = Liar(self._net, places, self._settings.k)
        names = {name for place in places if (name := self._net.address(place)) is not None}
        for name in names:
            self._net.replace(name, liar)
        return names

    def _plan(self) -> Iterator[tuple[float, str]]:
        changes = round(self._scenario.churn * self._scenario.nodes)
        for happen, times in (("lookup", self._scenario.lookups), ("crash", changes), ("join", changes)):
            for _ in range(times):
                yield self._rng.random() * self._scenario.seconds, happen

    def _next_ticket(self) -> int:
        self._ticket += 1
        return self._ticket

    def _honest(self) -> str:
        """A living node that is no liar, and is no newcomer that is still joining."""
        while True:
            name = self._net.random_node()
            if name not in self._liars and not self._is_joining(name):
                return name

    def _is_joining(self, name: str) -> bool:
        return name in self._joining and self._joining[name] not in self._net.answers

    def _place_records(self) -> None:
        tickets = []
        for number in range(self._scenario.records):
            key = number.to_bytes(8, "big")
            self._records[key] = b"ok" + bytes(8) + key
            tickets.append(self._next_ticket())
            self._net.request(self._honest(), ports.Put(tickets[-1], key, self._records[key], COPIES))
        if tickets:
            self._net.run(self._net.now + _GRACE, tickets)

    def _look_up(self) -> None:
        ticket, asker = self._next_ticket(), self._honest()
        if self._records:
            key, record = self._rng.choice(list(self._records.items()))
            self._tries[ticket] = _Try(asker, self._net.now, (), record)
            self._net.request(asker, ports.Get(ticket, key))
        else:
            target, count = self._rng.getrandbits(256), 2 * self._settings.k
            near = (name for name in self._net.nearest(target, count) if name != asker and not self._is_joining(name))
            self._tries[ticket] = _Try(asker, self._net.now, tuple(near), None)
            self._net.request(asker, ports.Find(ticket, target))

    def _crash(self) -> None:
        name = self._net.random_node()
        self._crashed[name] = self._net.now
        self._net.crash(name)

    def _join(self) -> None:
        doors = [self._honest() for _ in range(_DOORS)]
        ticket = self._next_ticket()
        self._joining[self._net.add(doors, ticket)] = ticket

    def _report(self) -> Report:
        answers = self._net.answers
        done = [(attempt, *answers[ticket]) for ticket, attempt in self._tries.items() if ticket in answers]
        lost = sum(attempt.asker in self._crashed for ticket, attempt in self._tries.items() if ticket not in answers)
        shares = [self._share(attempt, answer, at) for attempt, answer, at in done]
        hops = [answer.hops for _, answer, _ in done if not isinstance(answer, ports.Placed)]
        messages = [answer.messages for _, answer, _ in done if not isinstance(answer, ports.Placed)]
        seconds = [at - attempt.started for attempt, _, at in done]
        joins = [isinstance(answer, ports.Found) and bool(answer.nodes)
                 for ticket in self._joining.values() if ticket in answers for answer in answers[ticket][:1]]
        return Report(
            success=sum(nearest for nearest, _ in shares) / max(1, len(self._tries) - lost),
            recall=None if self._records else fmean(share for _, share in shares or [(False, 0.0)]),
            answered=len(done), abandoned=lost,
            hops_median=median(hops or [0]), hops_max=max(hops, default=0),
            messages_mean=fmean(messages or [0]), messages_max=max(messages, default=0),
            seconds_median=median(seconds or [0.0]), seconds_max=max(seconds, default=0.0),
            joined=sum(joins) / len(joins) if joins else None, events=self._net.events)

    def _share(self, attempt: _Try, answer: Answer, at: float) -> tuple[bool, float]:
        """Whether the lookup found the nearest node (the record), and how many of the k nearest."""
        match answer:
            case ports.Got():
                right = answer.record == attempt.record
                return right, float(right)
            case ports.Found():
                near = [name for name in attempt.nearest if self._crashed.get(name, at) >= at][:self._settings.k]
                found = set(answer.nodes)
                return near[0] in found, fmean(name in found for name in near)
        return False, 0.0


def simulate(scenario: Scenario, settings: Settings | None = None) -> Report:
    """Run a scenario from its beginning to its end."""
    return Simulation(scenario, settings).run()


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m enigmalang.dht.simulator", description="Simulate the DHT.")
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--lookups", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--churn", type=float, default=0.0, help="share of the nodes that crash and are replaced")
    parser.add_argument("--loss", type=float, default=0.0, help="share of the messages that never arrive")
    parser.add_argument("--liars", type=float, default=0.0, help="share of the nodes that tell of each other only")
    parser.add_argument("--records", type=int, default=0, help="look for so many stored records instead of nodes")
    parser.add_argument("--seconds", type=float, default=1800.0, help="virtual time in which all of it happens")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command; prints its report."""
    options = vars(_arguments(arguments))
    as_json = options.pop("json")
    scenario = Scenario(**options)
    start = process_time()
    report = simulate(scenario)
    cpu = round(process_time() - start, 1)
    if as_json:
        print(json.dumps({"scenario": asdict(scenario), "report": asdict(report), "cpu_seconds": cpu}))
        return
    print(f"{scenario.nodes} nodes, {scenario.lookups} lookups, churn {scenario.churn:.0%}, loss {scenario.loss:.0%}, "
          f"liars {scenario.liars:.0%}, {scenario.seconds:g} s of virtual time; {report.events} events, {cpu} s of CPU")
    print(f"success   {report.success:.2%} of the lookups"
          + ("" if report.recall is None else f"; {report.recall:.2%} of the nearest nodes"))
    print(f"hops      median {report.hops_median:g}, max {report.hops_max}")
    print(f"messages  mean {report.messages_mean:.1f}, max {report.messages_max} per lookup")
    print(f"seconds   median {report.seconds_median:.2f}, max {report.seconds_max:.2f} per lookup")
    if report.joined is not None:
        print(f"joined    {report.joined:.2%} of the newcomers")


if __name__ == "__main__":
    gc.disable()  # many objects, hardly any cycles: looking for them takes a sixth of the time
    main()
