"""The numbers by which a DHT node behaves. Peers need not have the same."""

from dataclasses import dataclass

from enigmalang.wire.dht_messages import MAX_CONTACTS


@dataclass(frozen=True, slots=True)
class Settings:
    """`k`: contacts of a bucket, and nodes that a lookup finds; `alpha`: requests of a lookup at a time; `budget`: its
    requests in all; `anchors`: those of my own contacts that it asks in any case; `fill`: contacts that the refresh of
    a bucket looks for; `patience`: failures in a row that make a contact stale. The rest are seconds: `reply` and
    `check`: how long to wait for a peer and for storage; `pause`: between pings that newcomers to one bucket cause;
    `retry`: between attempts to join; `refresh`, `republish`, `expire`: between chores, about.
    """

    k: int = 20
    alpha: int = 3
    budget: int = 100
    anchors: int = 6
    fill: int = 8
    patience: int = 2
    reply: float = 2.0
    check: float = 30.0
    pause: float = 300.0
    retry: float = 15.0
    refresh: float = 3600.0
    republish: float = 3600.0
    expire: float = 600.0

    def __post_init__(self) -> None:
        if not 1 <= self.alpha <= self.k <= MAX_CONTACTS:
            raise ValueError(f"alpha and k must be ordered: 1 <= {self.alpha} <= {self.k} <= {MAX_CONTACTS}")
