"""What the clients keep in the DHT: sealed values under keys of their own, written over and read again."""

from dataclasses import dataclass, field
from io import BytesIO
from random import Random

from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import Hub
from enigmalang.chain.logbook import key_id
from enigmalang.chain.rules import words_of
from enigmalang.identity.keys import Identity
from enigmalang.identity.predicates import OWNER
from enigmalang.node.remote import RemoteError, active_nodes
from enigmalang.node.remote_storage import Nodes, find, put, read

#: Keys of each client, and bytes of a value at most: some have several chunks.
KEYS, MOST = 4, 700_000
_SIZES = (0, 1, 300, 5_000, 60_000, MOST)


@dataclass(slots=True)
class Shelf:
    """One client's. `values`: what was acknowledged, by key; None while a write was begun that was not."""

    owner: Identity
    rng: Random
    values: dict[str, bytes | None] = field(default_factory=dict)
    stores: int = 0
    reads: int = 0
    trouble: list[str] = field(default_factory=list)  # what was refused or not found, to be tried again
    wrong: list[str] = field(default_factory=list)

    def turn(self, hub: Hub) -> None:
        """A store or a read."""
        name = f"soak/{self.owner.name}/{self.rng.randrange(KEYS)}"
        if self.values.get(name) is None or self.rng.random() < 0.4:
            self._store(hub, name, self.rng.randbytes(self.rng.choice(_SIZES)))
        else:
            self.look(hub, name)

    def _store(self, hub: Hub, name: str, content: bytes) -> None:
        self.values[name] = None
        try:
            with Nodes(active_nodes(hub)) as nodes:
                put(hub, nodes, self.owner, key_id((name,)), BytesIO(content), len(content), [self.owner.public_key],
                    words_of(OWNER))
        except (RemoteError, ChainError) as error:
            self.trouble.append(f"store {name}: {error}")
            return
        self.values[name] = content
        self.stores += 1

    def look(self, hub: Hub, name: str) -> bool:
        """Whether the value was found; a wrong one is remembered."""
        expected, got = self.values[name], BytesIO()
        try:
            with Nodes(active_nodes(hub)) as nodes:
                read(hub, nodes, find(hub, nodes, key_id((name,))), self.owner, got.write)
        except (RemoteError, ChainError) as error:
            self.trouble.append(f"read {name}: {error}")
            return False
        self.reads += 1
        if got.getvalue() != expected:
            self.wrong.append(f"{name}: {len(got.getvalue())} bytes that are not what was stored")
        return True

    @property
    def acknowledged(self) -> list[str]:
        """Keys whose last store was acknowledged."""
        return [name for name, content in self.values.items() if content is not None]
