"""A job from its client's side: the mask of its inputs, its end on the chain, and what its nodes have of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.chain import development
from enigmalang.chain.client import Log
from enigmalang.chain.errors import Reverted
from enigmalang.chain.follow import Follower
from enigmalang.chain.hub import OPEN, hub_interface
from enigmalang.circuits.circuit import Array
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import number_word
from enigmalang.node.remote import RemoteError, Served, service_of
from enigmalang.node.remote_service import NotNow

#: Seconds between looks at the chain, at first and at most.
SOON, LATER = 0.05, 1.0
#: Seconds after a job's deadline in which its nodes may end it themselves.
GRACE = 3.0
#: Seconds in which some member has the private result of a job that is done: one that comes back asks the others.
FETCHED = 30.0
#: Seconds for which a mask is asked for again when it cannot be given just now, and between two times.
RESERVE_SECONDS, RESERVE_PAUSE = 90.0, 0.5


def reserved_mask(remote: Served, field: str, size: int, owner: str) -> tuple[int, Array]:
    """A mask for `size` numbers in a job of `owner`: its name, and its values. Raises RemoteError, ChainError."""
    began = monotonic()
    while True:
        committee = remote.committee()
        try:
            return remote.served().reserve(field, size, owner, X25519PrivateKey.generate(), committee.members,
                                           committee.threshold, remote.hub.domain)
        except NotNow:  # a member is away, or another committee takes over
            if monotonic() - began > RESERVE_SECONDS:
                raise
        sleep(RESERVE_PAUSE)
        remote.follow()


def result_of(remote: Served, job: int, committee: int) -> Mapping[str, Any]:
    """What the members of `committee` have for `job`; they may learn a little after the chain that it is done. Raises
    RemoteError, ChainError."""
    began, own = monotonic(), remote.attachment.committee == committee
    service = remote.served() if own else service_of(remote.hub, committee)
    if service is None:
        raise RemoteError("E0709", f"no node of committee {committee}, which did job {job}, answers")
    try:
        while True:
            with suppress(NotNow):
                found = service.result(job)
                if found.get("status") == "fulfilled" and found.get("signed"):
                    return found
            if monotonic() - began > FETCHED:
                raise RemoteError("E0709", f"the nodes' service no longer has the private result of job {job}",
                                  "call again: the nodes compute it anew")
            sleep(SOON)
    finally:
        if not own:
            service.close()


class Watch:
    """Waits for jobs of one contract. `key` signs for whoever asked for them; `say` gets what is worth telling
    meanwhile, and, when it is not `quiet`, that one waits."""

    def __init__(self, remote: Served, key: Callable[[], SigningKey], say: Callable[[str], None], quiet: bool = False
                 ) -> None:
        self._remote, self._key, self._say, self._quiet = remote, key, say, quiet

    def ended(self, job: int) -> Log:
        """The event that ended `job`; after its deadline it is ended from here."""
        chain, hub = self._remote.chain, self._remote.hub
        topics = [[hub_interface().event(name).topic for name in ("Settled", "Failed", "Expired")], number_word(job)]
        start, began, pause = chain.block(), monotonic(), SOON
        follower = Follower(chain, hub.address, topics, start=max(0, start.number - 1))
        deadline = hub.job(job).deadline
        if not self._quiet:
            self._say(f"job {job} is with the nodes, who have {max(0, deadline - start.time)} seconds")
        told = ""
        while True:
            for notice in follower.poll():
                if not notice.removed:
                    return notice.log
            if pause >= LATER and not told and (told := self._refused(job)):
                self._say(f"job {job} will not be done: {told}; fee and payment come back when its time is over")
            if monotonic() - began > deadline - start.time + GRACE and hub.job(job).status == OPEN:
                deadline = hub.job(job).deadline  # an accusation prolongs it
                if monotonic() - began > deadline - start.time + GRACE:
                    self._give_up(job, deadline)
            sleep(pause)
            pause = min(pause * 1.2, LATER)

    def expired(self, job: int) -> RemoteError:
        """What is wrong when the nodes did not end `job`; what was paid is fetched."""
        back, why = self._refund(), self._complaint(job)
        return RemoteError("E0711", f"the nodes did not end job {job} in time{f' ({why})' if why else ''}: nothing "
                           "was changed", f"fee and payment came back ({back} wei); try again when the nodes are up")

    def _refused(self, job: int) -> str:
        """Why the service says that the job will not be done; empty when it does not say so, or nobody answers now."""
        with suppress(RemoteError):
            return self._told(job)
        return ""

    def _complaint(self, job: int) -> str:
        """What the service says was wrong with a job, or why it does not answer; empty when it says nothing."""
        try:
            return self._told(job)
        except RemoteError as error:
            return error.text

    def _told(self, job: int) -> str:
        """What the service has against a job. Raises RemoteError."""
        return str(self._remote.served().result(job).get("error") or "")

    def _give_up(self, job: int, deadline: int) -> None:
        """End a job that its nodes did not end: anyone may. On a development chain time stands still between blocks."""
        chain = self._remote.chain
        late = deadline - chain.block().time
        if late >= 0 and chain.development:
            development.advance(chain, seconds=late + 1)
        try:
            self._remote.hub.fail(self._key(), job)
        except Reverted:
            return  # it was ended meanwhile, or its time is not over for the chain

    def _refund(self) -> int:
        """Fetch what the hub owes whoever asked; how much."""
        hub, key = self._remote.hub, self._key()
        return hub.claim(key) if hub.owed(key.address) else 0
