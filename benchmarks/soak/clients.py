"""The clients: each a thread with an identity and connections of its own, which asks for one job after the other, as
`enig call` does, and now and then stores or reads a value, as `enig dht` does.
"""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from time import monotonic, sleep
from typing import Any

from benchmarks.soak.jobs import LAST_OF_EACH, LAST_OF_ONE, Asked, draw, first
from benchmarks.soak.models import MODELS
from benchmarks.soak.storing import Shelf
from enigmalang.chain import development
from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import Hub
from enigmalang.cli.arguments import leaves_of_arguments
from enigmalang.diagnostics import EnigmaError
from enigmalang.identity.keys import Identity, Keystore
from enigmalang.node.remote import Remote, RemoteError, connect, open_contract
from enigmalang.node.remote_calls import Caller

#: One turn in so many is a store or a read; seconds for which a job that nobody takes is offered, between two times.
STORING, OFFERED, PAUSE = 6, 300.0, 0.5
#: Wei for each client.
FUNDS = 10**20
_OPENED = re.compile(r"job (\d+) is with the nodes")


@dataclass(slots=True)
class Board:
    """What the clients share. `left`: how many jobs are still to be begun, None: until the time is over."""

    url: str
    hub: str
    contracts: Mapping[str, str]
    addresses: Sequence[str]
    left: int | None
    until: float
    began: float = field(default_factory=monotonic)
    asked: list[Asked] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    _entered: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def more(self) -> bool:
        """Whether one more job is to be begun."""
        with self._lock:
            if self.left is None:
                return monotonic() < self.until
            self.left -= 1
            return self.left >= 0

    def add(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def entered(self, contract: str) -> None:
        """One more client has."""
        with self._lock:
            self._entered[contract] = self._entered.get(contract, 0) + 1

    def all_entered(self, contract: str) -> bool:
        return self._entered.get(contract, 0) == len(self.addresses)


class Client:
    """One of them; `run` is its thread's. `say` is told of everything that is not as it should be."""

    def __init__(self, name: str, board: Board, rng: Random, say: Callable[[str], None]) -> None:
        self.identity: Identity = Keystore().get(name)
        self._board, self._rng, self._say = board, rng, say
        self._others = [address for address in board.addresses if address != self.identity.address]
        self._first = rng.sample(sorted(board.contracts), len(board.contracts))
        self._open: dict[str, Remote] = {}
        self._chain = connect(board.url)
        self._hub = Hub(self._chain, board.hub)
        self.shelf = Shelf(self.identity, Random(rng.random()))
        development.fund(self._chain, self.identity.address, FUNDS)

    def run(self) -> None:
        """Until there is nothing more to begin."""
        while self._board.more():
            if self._first:
                contract = self._first.pop()
                asked = self.ask(contract, *first(self._rng, contract))
                if asked.leaves is None:
                    self._first.insert(0, contract)
                else:
                    self._board.entered(contract)
                continue
            if not self._rng.randrange(STORING):
                self.shelf.turn(self._hub)
            contract = self._rng.choice(sorted(self._board.contracts))
            self.ask(contract, *draw(self._rng, contract, self.identity.address, self._others,
                                     self._board.all_entered(contract)))

    def last(self, of_all: bool) -> None:
        """Ask for every private value of this client's; and with `of_all` for what is of all."""
        for contract, function in LAST_OF_EACH:
            self.ask(contract, function, [])
        for contract, function, args in LAST_OF_ONE if of_all else []:
            self.ask(contract, function, args)

    def close(self) -> None:
        for name in list(self._open):
            self._drop(name)
        self._chain.evm.close()

    # ---- one job

    def ask(self, contract: str, function: str, args: list[Any]) -> Asked:
        """One job, offered until somebody takes it, and what came of it."""
        asked = Asked(self.identity.address, contract, function, args, monotonic() - self._board.began)
        self._board.add(asked)
        deadline = monotonic() + OFFERED
        while True:
            block = self._height()
            try:
                asked.tries += 1
                self._call(asked)
                break
            except (RemoteError, ChainError, EnigmaError) as error:
                before, asked.words = asked.words, f"{getattr(error, 'code', type(error).__name__)} {error}"
                self._drop(contract)
                if asked.words != before:
                    self._say(f"{monotonic() - self._board.began:6.1f} s  {self.identity.name}: {contract}.{function}, "
                              f"job {asked.job or 'not sent'}: {asked.words}")
                asked.job = asked.job or self._sent(asked, block)
                if asked.job or isinstance(error, EnigmaError) or monotonic() > deadline:
                    break
                sleep(PAUSE)
        asked.took = monotonic() - self._board.began - asked.began
        return asked

    def _call(self, asked: Asked) -> None:
        remote = self._remote(asked.contract)

        def heard(line: str) -> None:
            found = _OPENED.match(line)
            if found:
                asked.job = int(found[1])

        function = remote.plan.functions[f"{asked.contract}.{asked.function}"]
        leaves = leaves_of_arguments(function.public, [str(arg) for arg in asked.args], lambda name: None)
        done = Caller(remote, self.identity, heard).call(function, leaves)
        asked.job = done.job or 0
        asked.leaves = [_plain(leaf) for leaf in [*done.leaves, *done.learned]]

    def _remote(self, contract: str) -> Remote:
        if contract not in self._open:
            self._open[contract] = open_contract(connect(self._board.url), self._board.contracts[contract])
        return self._open[contract]

    def _drop(self, contract: str) -> None:
        remote = self._open.pop(contract, None)
        if remote is not None:
            remote.__exit__()

    def _height(self) -> int:
        return self._chain.block_number()

    def _sent(self, asked: Asked, block: int) -> int:
        """The job that was opened for this client after `block`, though it was not told; 0 when there is none."""
        known = {each.job for each in self._board.asked}
        for event in self._hub.events(["Opened"], first=block):
            fields = event.fields
            if str(fields["requester"]).lower() == asked.client and fields["job"] not in known and (
                    str(fields["contract"]).lower() == self._board.contracts[asked.contract]):
                return int(fields["job"])
        return 0


def _plain(leaf: Any) -> Any:
    """As the models have it."""
    value = leaf.tolist() if hasattr(leaf, "tolist") else leaf
    return value.lower() if isinstance(value, str) else value


def run_all(tasks: Sequence[Callable[[], None]], board: Board) -> None:
    """All at once, each in a thread; a bug in one is kept, and the others go on."""
    def one(task: Callable[[], None]) -> None:
        try:
            task()
        except Exception as error:  # it is told at the end, with its words
            board.bugs.append(f"{type(error).__name__}: {error}")
            raise

    threads = [threading.Thread(target=one, args=(task,), name=f"client-{number}") for number, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


__all__ = ["MODELS", "Board", "Client", "run_all"]
