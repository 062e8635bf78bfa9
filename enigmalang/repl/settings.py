"""What the options of a session say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`engine`: "mpc", "circuit" or "clear"."""

    engine: str = "mpc"
    nodes: int = 3
    threshold: int | None = None
    timeout: float = 20.0  # seconds
