"""Which jobs the clients ask for: drawn from a seed, with what is known of each afterwards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

#: What each client does first with each contract, so that it may do the rest.
ENTER = {"Balances": "deposit", "Poll": "vote", "Auction": "bid", "Ranks": "play"}
Draw = Callable[[Random, str, Sequence[str]], list[Any]]

#: By contract: function, how it is drawn how often, and its arguments. Those in `OF_ALL` need that all have entered.
FUNCTIONS: dict[str, list[tuple[str, int, Draw]]] = {
    "Balances": [
        ("deposit", 3, lambda rng, me, others: [rng.randint(1, 1000)]),
        ("pay", 4, lambda rng, me, others: [rng.choice(others), rng.randint(1, 1000)]),
        ("mine", 3, lambda rng, me, others: []),
        ("total", 1, lambda rng, me, others: []),
    ],
    "Poll": [("vote", 4, lambda rng, me, others: [rng.randrange(4)]), ("leader", 1, lambda rng, me, others: [])],
    "Auction": [
        ("bid", 4, lambda rng, me, others: [rng.randint(1, 1_000_000)]),
        ("mine", 1, lambda rng, me, others: []),
        ("close", 1, lambda rng, me, others: []),
    ],
    "Ranks": [
        ("play", 3, lambda rng, me, others: [rng.randint(0, 1_000_000)]),
        ("rank", 3, lambda rng, me, others: []),
        ("mine", 2, lambda rng, me, others: []),
        ("tell_best", 1, lambda rng, me, others: [me]),
    ],
}
OF_ALL = {"pay", "total", "leader", "close", "tell_best"}
#: What each client asks at the end, and what one of them asks: all private values, one by one.
LAST_OF_EACH: list[tuple[str, str]] = [("Balances", "mine"), ("Auction", "mine"), ("Ranks", "mine")]
LAST_OF_ONE: list[tuple[str, str, list[Any]]] = [
    ("Balances", "total", []), *(("Poll", "count", [option]) for option in range(4)), ("Auction", "close", [])]


@dataclass(slots=True)
class Asked:
    """One job as its client sees it. `job`: its number on the hub, 0 while none is known; `leaves`: the result that it
    got, None when it got none; `words`: what it was told instead. Times are of the soak's clock, in seconds."""

    client: str
    contract: str
    function: str
    args: list[Any]
    began: float
    job: int = 0
    leaves: list[Any] | None = None
    words: str = ""
    tries: int = 0
    took: float = 0.0


def draw(rng: Random, contract: str, me: str, others: Sequence[str], all_there: bool) -> tuple[str, list[Any]]:
    """A function of `contract`, and its arguments; `others`: the addresses of the other clients."""
    usable = [each for each in FUNCTIONS[contract] if all_there or each[0] not in OF_ALL]
    name, _, make = rng.choices(usable, [weight for _, weight, _ in usable])[0]
    return name, make(rng, me, others)


def first(rng: Random, contract: str) -> tuple[str, list[Any]]:
    """With what a client enters `contract`."""
    name = ENTER[contract]
    make = next(make for each, _, make in FUNCTIONS[contract] if each == name)
    return name, make(rng, "", ())
