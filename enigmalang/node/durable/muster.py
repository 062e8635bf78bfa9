"""What members tell each other before they begin a job, in one round: whether all of them can.

Without it one member that lacks something would refuse the job, while the others waited for it until they took it for
dead. So all see at once who cannot, and nobody begins. The row says also what a member knows of the job's mask: one
that was away when the mask was given takes it over from more than t others.

Adversary: honest but curious. A member that lies here can have a job refused or failed, as it could by not taking part.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

_DIGEST = 32
ROW = 2 + 2 * _DIGEST


class Standing(IntEnum):
    """Of a job's mask, as one member has it."""

    NONE = 0  # the job has no mask
    UNKNOWN = 1  # was never given here
    GOOD = 2  # was given to who asks for the job, and no other job used it
    BAD = 3  # is somebody else's, or used


@dataclass(frozen=True, slots=True)
class Row:
    """One member's: whether it is ready, a digest of what it is about to compute (32 bytes), what it knows of the mask,
    and the key that the mask was told under (32 bytes, zeros if it is not good).
    """

    ready: bool
    work: bytes
    mask: Standing = Standing.NONE
    receiver: bytes = bytes(_DIGEST)

    def encode(self) -> bytes:
        return bytes([self.ready, self.mask]) + self.work + self.receiver


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused`: why nobody begins; empty when all do. `receiver`: the key of a mask that all are to use, None when
    there is no such mask.
    """

    refused: str
    receiver: bytes | None


def decode_row(data: bytes) -> Row | None:
    """None for what is no row."""
    if len(data) != ROW or data[0] > 1 or data[1] > max(Standing):
        return None
    return Row(bool(data[0]), data[2 : 2 + _DIGEST], Standing(data[1]), data[2 + _DIGEST :])


def decide(rows: Mapping[int, bytes], threshold: int) -> Verdict:
    """The same at all members, from the same rows of all of them by number."""
    found = {node: decode_row(data) for node, data in sorted(rows.items())}
    away = [node for node, row in found.items() if row is None or not row.ready]
    if away:
        return Verdict(f"node {', '.join(map(str, away))} cannot compute it now", None)
    told = [row for row in found.values() if row is not None]
    if len({row.work for row in told}) > 1:
        return Verdict("the nodes were asked for different things", None)
    receivers = Counter(row.receiver for row in told if row.mask is Standing.GOOD)
    if len(receivers) != 1 or any(row.mask in (Standing.BAD, Standing.NONE) for row in told):
        return Verdict("", None)
    ((receiver, count),) = receivers.items()
    return Verdict("", receiver if count > threshold else None)
