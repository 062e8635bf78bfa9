"""What a node does: the parts of the daemon, in the order in which they start."""

from collections.abc import Sequence

from enigmalang.node.daemon.config import Config
from enigmalang.node.daemon.parts import Part


def parts(config: Config) -> Sequence[Part]:
    """New parts for one run of the daemon."""
    from enigmalang.node.daemon.seats.part import SeatsPart  # protocols and their kernels: half a second
    from enigmalang.node.daemon.storing.part import StoringPart

    return SeatsPart(), StoringPart()
