"""A job's request with its private arguments as shares; or why nothing is computed for it, as its requester is told."""

from collections.abc import Iterator
from typing import Any

from enigmalang.chain.outcomes import Job
from enigmalang.execute.masks import Masked, are_elements
from enigmalang.execute.requests import Request, private_leaves
from enigmalang.execute.world import World
from enigmalang.node.mustering import input_size
from enigmalang.node.reserved import VOID
from enigmalang.node.session import Session


class Inadmissible(Exception):
    """A job that fails before it is computed."""


def admitted(world: World, session: Session, job: Job, mask: int, good: bool) -> Request:
    """Raises Inadmissible for what only the requester can have done wrong; no mask is used up then. `mask`: the number
    of its inputs' mask here; `good`: whether no member says anything against it.
    """
    call = job.call
    kinds = [kind for kind in private_leaves(call.function.public) if kind is not None]
    secrets: Iterator[Any] = iter(())
    if any(leaf.private for leaf in call.function.result_leaves) and (
            world.identities.at(call.sender.address) is None):
        raise Inadmissible("the requester has published no key to receive its result under")
    if kinds:
        check_mask(session, world.plan.field, job, mask, good)
        secrets = iter(world.domain.admit(Masked(mask, job.masked, call.shapes), kinds))
    args = tuple(next(secrets) if kind is not None else arg
                 for kind, arg in zip(private_leaves(call.function.public), call.args, strict=True))
    op = call.function.public.body.ops[0]
    return Request(op, call.function, call.address, call.contract, call.sender.address, call.value, args)


def check_mask(session: Session, field: str, job: Job, mask: int, good: bool) -> None:
    """Raises Inadmissible unless the job may use its mask, and its inputs fit it; see `admitted`."""
    if not good:
        raise Inadmissible(VOID if mask < 0 else
                           "the inputs' mask is not the requester's, was used, or does not fit them")
    given = session.mask(mask)
    if given is None or given.owner != job.call.sender.address or given.job not in (None, job.number):
        raise Inadmissible("the inputs' mask is not the requester's, or was used")
    size = input_size(job)
    if given.size != size or not are_elements(field, job.masked, size):
        raise Inadmissible("the inputs do not fit their mask")
