"""How long to wait for a cluster to come up."""

#: More nodes than these get more time, in proportion: each takes 0.4 s of a core to load.
AT_ONCE = 9


def start_seconds(nodes: int, timeout: float) -> float:
    """The time that all workers get together, for a user's time-out."""
    return timeout * max(1.0, nodes / AT_ONCE)
