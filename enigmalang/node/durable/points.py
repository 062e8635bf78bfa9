"""The places between two steps of a node's work at which its process may die: tests make it die there."""

from collections.abc import Callable

#: Told the point that is reached. What it raises ends the work there, as a killed process would.
Hook = Callable[[str], None]

KEYS_MADE = "keys of a committee are made, not kept"
KEYS_KEPT = "keys of a committee are kept, not confirmed"
KEYS_CONFIRMED = "keys of a committee are confirmed"
MASK_MADE = "a mask is made, not kept"
MASK_KEPT = "a mask is kept, not told"
JOB_READY = "a job is ready, not begun"
JOB_BEGUN = "a job is kept as begun"
MASK_USED = "a mask is kept as used"
JOB_COMPUTED = "a job is computed, not staged"
JOB_STAGED = "what a job wrote is staged, not signed"
JOB_SIGNED = "a job is signed, not told"
SETTLING = "a fulfilled job is seen, its state not current"
SETTLED = "the state of a fulfilled job is current"
HAND_DEALT = "a contract's shares are dealt, its dealer has not signed"
HAND_RECEIVED = "a contract's shares are received, not kept"
HAND_KEPT = "a contract's shares are kept, not signed for"
HAND_SIGNED = "a hand-over is signed, not told"
HAND_COLLECTED = "a hand-over is signed by all, not sent"
HAND_SENT = "a hand-over is on the chain, not yet seen there"
HAND_TAKING = "a hand-over is seen on the chain, its shares not current"
HAND_TAKEN = "a contract's new shares are current"
HAND_ERASING = "a contract is another committee's, its old shares not erased"
HAND_ERASED = "a contract's old shares are erased"

POINTS = (
    KEYS_MADE, KEYS_KEPT, KEYS_CONFIRMED, MASK_MADE, MASK_KEPT, JOB_READY, JOB_BEGUN, MASK_USED, JOB_COMPUTED,
    JOB_STAGED, JOB_SIGNED, SETTLING, SETTLED)
#: Those of a hand-over, in its order.
HANDING = (
    HAND_DEALT, HAND_RECEIVED, HAND_KEPT, HAND_SIGNED, HAND_COLLECTED, HAND_SENT, HAND_TAKING, HAND_TAKEN,
    HAND_ERASING, HAND_ERASED)


def unwatched(point: str) -> None:
    """Nobody wants to know."""
