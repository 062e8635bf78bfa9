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

POINTS = (
    KEYS_MADE, KEYS_KEPT, KEYS_CONFIRMED, MASK_MADE, MASK_KEPT, JOB_READY, JOB_BEGUN, MASK_USED, JOB_COMPUTED,
    JOB_STAGED, JOB_SIGNED, SETTLING, SETTLED)


def unwatched(point: str) -> None:
    """Nobody wants to know."""
