"""Who can receive from nodes: the keys that people published in `L`, as of one block."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from enigmalang.chain.client import Chain
from enigmalang.chain.receiving import receiving_key
from enigmalang.execute.ports import Identity, Predicate
from enigmalang.node.receivers import check_keys
from enigmalang.plan.calls import WrongSide


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody whose public keys alone are known."""

    address: str
    public_key: bytes
    private_key: bytes = field(default=b"", repr=False)

    @property
    def name(self) -> str:
        return self.address


class Directory:
    """`Identities` of a node: addresses have the receiving keys they published; there are no names, no local keys."""

    def __init__(self, chain: Chain, hub: str, block: int) -> None:
        self._chain, self._hub, self._block = chain, hub, block
        self._found: dict[str, Receiver | None] = {}

    def at(self, address: str) -> Identity | None:
        """None for who published no key, or one that nothing can be encrypted to."""
        if address not in self._found:
            key = receiving_key(self._chain, self._hub, address, self._block)
            self._found[address] = Receiver(address, key) if key is not None and _usable(key) else None
        return self._found[address]

    def get(self, name: str) -> NoReturn:
        raise WrongSide("a node knows addresses, not names")

    def share(self, policies: tuple[tuple[str, Any], ...], address: Callable[[], str] | None = None) -> NoReturn:
        raise WrongSide("a node makes no identities")

    def local_members(self, identity: Identity) -> tuple[str, ...] | None:
        return None

    def members(self, address: str) -> NoReturn:
        raise WrongSide("a node asks the hub")

    def predicate(self, name: str, args: tuple[Any, ...] = ()) -> NoReturn:
        raise WrongSide("a node makes no predicates")

    def allows(self, predicate: Predicate, *, who: str, signers: frozenset[str], owner: str, action: str, now: int,
               own: Callable[[Any, str], bool]) -> NoReturn:
        raise WrongSide("a node asks the hub")


def _usable(key: bytes) -> bool:
    try:
        check_keys([key])
    except ValueError:
        return False
    return True
