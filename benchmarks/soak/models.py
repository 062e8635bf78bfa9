"""The contracts of `contracts.enig` in plain Python. What a call gives is a list of its result's leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST = 2**32 - 1
OPTIONS = 4


class Model(Protocol):
    """One contract. `call` changes the state as the contract does."""

    def call(self, function: str, who: str, args: Sequence[Any]) -> list[Any]: ...


@dataclass(slots=True)
class Balances:
    balance: dict[str, int] = field(default_factory=dict)

    def call(self, function: str, who: str, args: Sequence[Any]) -> list[Any]:
        """See `Model.call`."""
        match function:
            case "deposit":
                self.balance[who] = min(MOST, self.balance.get(who, 0) + args[0])
                return []
            case "pay":
                to, amount = args
                enough = self.balance[who] >= amount
                paid = amount if enough else 0
                self.balance[who] -= paid
                self.balance[to] = min(MOST, self.balance[to] + paid)
                return [enough]
            case "mine":
                return [self.balance[who]]
        assert function == "total"
        return [sum(self.balance.values())]


@dataclass(slots=True)
class Poll:
    tally: list[int] = field(default_factory=lambda: [0] * OPTIONS)

    def call(self, function: str, who: str, args: Sequence[Any]) -> list[Any]:
        """See `Model.call`."""
        if function == "vote":
            self.tally[args[0]] += 1
            return []
        if function == "count":
            return [self.tally[args[0]]]
        assert function == "leader"
        return [self.tally.index(max(self.tally))]


@dataclass(slots=True)
class Auction:
    bids: dict[str, int] = field(default_factory=dict)

    def call(self, function: str, who: str, args: Sequence[Any]) -> list[Any]:
        """See `Model.call`."""
        if function == "bid":
            self.bids[who] = args[0]
            return []
        if function == "mine":
            return [self.bids[who]]
        assert function == "close"
        amounts = list(self.bids.values())
        winner = list(self.bids)[amounts.index(max(amounts))]
        return [winner, sorted(amounts)[-2]]


@dataclass(slots=True)
class Ranks:
    score: dict[str, int] = field(default_factory=dict)

    def call(self, function: str, who: str, args: Sequence[Any]) -> list[Any]:
        """See `Model.call`; what is told to somebody by name is among the leaves."""
        match function:
            case "play":
                self.score[who] = args[0]
                return []
            case "rank":
                return [sum(each > self.score[who] for each in self.score.values()) + 1]
            case "mine":
                return [self.score[who]]
        assert function == "tell_best"
        return [max(self.score.values())]


MODELS: dict[str, type[Model]] = {"Balances": Balances, "Poll": Poll, "Auction": Auction, "Ranks": Ranks}
