"""What a node says of a job when the members muster (`durable.muster`)."""

from hashlib import blake2b
from math import prod

from msgspec.structs import replace

from enigmalang.chain.outcomes import Job
from enigmalang.ethereum.words import number_word
from enigmalang.node.durable.muster import Standing
from enigmalang.node.session import Session
from enigmalang.wire import messages as msg

_KEY_BYTES = 32


def input_size(job: Job) -> int:
    """Numbers that a job's mask has to hide."""
    return sum(prod(shape) for shape in job.call.shapes)


def work_digest(request: msg.Execute, version: int, root: bytes, problem: str = "") -> bytes:
    """Of what is about to be computed: the job, the block, and the contract's state there; `problem`: why it fails
    instead. 32 bytes."""
    asked = msg.encode_message(replace(request, number=0, plan=b""))
    hashed = blake2b(len(asked).to_bytes(8, "big") + asked, digest_size=32, person=b"enig muster")
    hashed.update(number_word(version) + root + problem.encode())
    return hashed.digest()


def standing_of(session: Session, job: Job, mask: int) -> tuple[Standing, bytes]:
    """What this node knows of the job's mask, which has the number `mask` here, and the key that it was told under."""
    nobody = bytes(_KEY_BYTES)
    if not job.call.shapes:
        return Standing.NONE, nobody
    given = session.mask(mask)
    if given is None:  # a share that came with the job cannot be made again
        return Standing.UNKNOWN if session.can_adopt and mask > 0 else Standing.BAD, nobody
    fits = (given.owner, given.size) == (job.call.sender.address, input_size(job)) and given.job in (None, job.number)
    return (Standing.GOOD, given.receiver) if fits and len(given.receiver) == _KEY_BYTES else (Standing.BAD, nobody)
