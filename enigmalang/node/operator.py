"""The operator of a committee: follows the hub, drives the nodes through their cluster, and sends what they sign.

He is trusted with nothing but to be there: what he changes has no t+1 signatures (`node.serving`), what he leaves
undone is refunded after its deadline. He sees what is on the chain, and ciphertexts.
"""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from enigmalang.chain import development
from enigmalang.chain.deployed import Contracts
from enigmalang.chain.digests import Signature, Work, failure_digest, result_digest, revealed_digest
from enigmalang.chain.errors import ChainError, ChainUnreachable, Reverted
from enigmalang.chain.follow import Follower
from enigmalang.chain.hub import OPEN, Attachment, Hub, JobState, hub_interface
from enigmalang.chain.ledger import STALE
from enigmalang.chain.memory import FUNDS
from enigmalang.chain.requested import NoSuchJob, Opened, Requested, read_opened, read_requested
from enigmalang.diagnostics import EnigmaError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.onchain import TRIES
from enigmalang.execute.ports import EngineError
from enigmalang.node.cluster import Cluster
from enigmalang.node.devchain import LeafValues
from enigmalang.node.reserved import signed_by
from enigmalang.plan.calls import Attested
from enigmalang.plan.codec import PlanError, decode_plan
from enigmalang.plan.plan import Plan
from enigmalang.wire import messages as msg

#: Seconds between two looks at the chain.
PAUSE = 0.1
#: Seconds that a consent to form a committee is good for.
CONSENT_SECONDS = 3600
#: Wei for a node's transactions, beside its deposit, where nobody gives money away.
GAS_MONEY = 10**17
#: How often the outcome of a job is sent when the chain refuses it for another reason than a newer state.
ATTEMPTS = 3
#: Jobs whose private results are kept for who asked for them.
KEPT_OUTCOMES = 4096


@dataclass(frozen=True, slots=True)
class Team:
    """A committee of the hub, and the cluster that is it: members in the order of the nodes' numbers."""

    cluster: Cluster
    number: int
    members: tuple[str, ...]
    threshold: int


@dataclass(slots=True)
class _Pending:
    """A job that has not ended."""

    opened: Opened
    since: float
    refused: str = ""
    attempts: int = 0


@dataclass(slots=True)
class Outcome:
    """What the nodes handed over with a job: pieces by node, and the text of a failure."""

    error: str = ""
    replies: dict[int, msg.Executed] = field(default_factory=dict)


def form_team(cluster: Cluster, hub: Hub, key: SigningKey, url: str, endpoint: str) -> Team:
    """Make the nodes of `cluster` a committee of `hub`: they make keys, get money from `key` (on a development chain
    from nowhere), register, and agree. Raises EngineError and ChainError.
    """
    deposit = hub.minimum_deposit()
    replies = cluster.ask(lambda n: msg.Enlist(n, url, hub.address, "0", endpoint), msg.Signer)
    members = [replies[node].address for node in sorted(replies)]
    for member in members:
        if hub.chain.development:
            development.fund(hub.chain, member, FUNDS)
        else:
            hub.chain.send(key, member, b"", deposit + GAS_MONEY)
    cluster.ask(lambda n: msg.Enlist(n, url, hub.address, str(deposit), endpoint), msg.Signer)
    salt, until = secrets.token_bytes(32), hub.chain.block().time + CONSENT_SECONDS
    signed = cluster.ask(lambda n: msg.Consent(n, members, cluster.t, salt, until), msg.Signed)
    signatures = [_signature(signed[node].signature) for node in sorted(signed)]
    number = hub.form(key, members, cluster.t, salt, until, signatures)
    return Team(cluster, number, tuple(members), cluster.t)


class Operator:
    """Serves the jobs of one committee. `step` and `run` are for one thread; `say` is told, in a line each, what people
    should know.
    """

    def __init__(self, hub: Hub, key: SigningKey, team: Team, say: Callable[[str], None] = lambda line: None) -> None:
        self.hub, self.team = hub, team
        self.lost = ""  # why there are no nodes any more
        self.plans: dict[bytes, bytes] = {}
        self.outcomes: dict[int, Outcome] = {}
        self._chain, self._key, self._tell = hub.chain, key, say
        self._programs: dict[bytes, tuple[Plan, Contracts]] = {}
        self._shipped: set[bytes] = set()
        self._jobs: dict[int, _Pending] = {}
        opened = hub_interface().event("Opened").topic
        committee = team.number.to_bytes(32, "big")
        start = self._chain.block_number()
        self._follower = Follower(self._chain, hub.address, [opened, None, None, committee], start=start)

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set. A chain that does not answer is asked again."""
        silent = False
        while not stop.is_set():
            try:
                self.step()
                silent = False
            except ChainUnreachable as error:
                if not silent:
                    self._say(str(error))
                silent = True
            stop.wait(PAUSE)

    def step(self) -> None:
        """Take up new jobs, and bring each that can be brought further, further. Raises ChainError."""
        for notice in self._follower.poll():
            opened = read_opened(notice.log)
            if notice.removed:
                self._jobs.pop(opened.job, None)
            else:
                self._jobs[opened.job] = _Pending(opened, monotonic())
        for number in sorted(self._jobs):
            self._advance(number, self._jobs[number])

    def reserve(self, size: int, owner: str, receiver: bytes) -> tuple[int, dict[int, msg.Masks]]:
        """A mask for inputs of `owner`, told to the holder of `receiver`. Raises EngineError."""
        told = self._asked(lambda n: msg.Reserve(n, size, owner, receiver), msg.Masks)
        return next(iter(told.values())).number, told

    def _say(self, line: str) -> None:
        """Errors are what contracts say, and they may be anybody's: a terminal gets printable characters."""
        self._tell("".join(char if char.isprintable() else "?" for char in line))

    def _over(self, number: int, outcome: Outcome) -> None:
        self.outcomes[number] = outcome
        if len(self.outcomes) > KEPT_OUTCOMES:
            del self.outcomes[min(self.outcomes)]

    # ---- one job

    def _advance(self, number: int, pending: _Pending) -> None:
        state = self.hub.job(number)
        if state.status != OPEN:
            del self._jobs[number]
            return
        attached = self.hub.attachment(pending.opened.contract)
        if self._overdue(pending, state, attached):
            self._expire(number)
        elif not self.lost and not pending.refused and attached.oldest == number:
            self._attempt(pending, attached.plan)

    def _again(self, pending: _Pending, error: ChainError) -> None:
        """What the chain does not take is tried a few times: it may be the chain's fault."""
        pending.attempts += 1
        if pending.attempts >= ATTEMPTS:
            self._refuse(pending, f"the chain does not take its outcome: {error}")

    def _overdue(self, pending: _Pending, state: JobState, attached: Attachment) -> bool:
        """Whether the deadline is over. A development chain's clock stands still without blocks: there it is moved when
        as much time has passed here.
        """
        now = self._chain.block().time
        if now > state.deadline:
            return True
        if not self._chain.development or monotonic() - pending.since <= attached.job_time:
            return False
        development.advance(self._chain, seconds=state.deadline + 1 - now)
        return True

    def _expire(self, number: int) -> None:
        try:
            self.hub.fail(self._key, number)
        except Reverted:
            return  # somebody was faster, or the clock is at its very end: the next step sees
        self._say(f"job {number}: not done in time; fee and payment went back")

    def _attempt(self, pending: _Pending, digest: bytes) -> None:
        number = pending.opened.job
        if digest not in self.plans:
            if number not in self.outcomes:
                self._over(number, Outcome("nobody has handed over the plan of its contract"))
                self._say(f"job {number}: nobody has handed over its plan {digest.hex()}")
            return  # perhaps somebody will
        try:
            requested = self._requested(pending.opened, digest)
            self._execute(pending, requested, digest)
        except ChainUnreachable:
            raise
        except ChainError as error:
            self._again(pending, error)
        except (NoSuchJob, PlanError, EnigmaError) as error:
            self._refuse(pending, str(error))
        except EngineError as error:
            self._say(f"the nodes are gone: {error}; open jobs are refunded after their deadlines (job {number})")

    def _refuse(self, pending: _Pending, reason: str) -> None:
        pending.refused = reason
        self._over(pending.opened.job, Outcome(reason))
        self._say(f"job {pending.opened.job}: refused, and refunded after its deadline: {reason}")

    def _requested(self, opened: Opened, digest: bytes) -> Requested:
        plan, contracts = self._program(digest)
        return read_requested(self._chain, contracts, plan, LeafValues(), opened)

    def _program(self, digest: bytes) -> tuple[Plan, Contracts]:
        if digest not in self._programs:
            plan = decode_plan(self.plans[digest])
            self._programs[digest] = plan, Contracts(self._chain, self.hub.address, plan, LeafValues())
        return self._programs[digest]

    def _execute(self, pending: _Pending, requested: Requested, digest: bytes) -> None:
        opened = pending.opened
        block = self._chain.block_number() - self._chain.confirmations
        plan = b"" if digest in self._shipped else self.plans[digest]
        replies = self._asked(
            lambda n: msg.Execute(n, opened.job, opened.block, block, digest, plan), msg.Executed)
        reasons = [reply.error for reply in replies.values() if not reply.signature]
        if reasons:
            self._refuse(pending, reasons[0])
            return
        self._shipped.add(digest)
        agreed = self._agreed(requested, replies)
        if agreed is None:
            self._refuse(pending, "the nodes do not agree on its outcome")
            return
        self._over(opened.job, Outcome(agreed[0].error, replies))
        self._send(pending, requested, *agreed)

    def _agreed(self, requested: Requested, replies: Mapping[int, msg.Executed]
                ) -> tuple[msg.Executed, list[Signature]] | None:
        """What more than t nodes say, and the signatures of all who say it; None when no so many say the same."""
        groups: dict[bytes, list[int]] = {}
        for node, reply in replies.items():
            digest = self._digest(requested, reply)
            if signed_by(digest, reply.signature) == self.team.members[node - 1]:
                groups.setdefault(digest, []).append(node)
        largest = max(groups.values(), key=len, default=[])
        if len(largest) <= self.team.threshold:
            return None
        return replies[largest[0]], [_signature(replies[node].signature) for node in largest]

    def _digest(self, requested: Requested, reply: msg.Executed) -> bytes:
        domain, work = self.hub.domain, Work(*reply.work)
        if reply.error:
            return failure_digest(domain, requested.digests, reply.version, reply.error, work)
        revealed = revealed_digest(_words(reply))
        return result_digest(domain, requested.digests, reply.version, revealed, reply.root, work)

    def _send(self, pending: _Pending, requested: Requested, reply: msg.Executed, signatures: Sequence[Signature]
              ) -> None:
        contract, job = requested.contract, requested.job
        attested = Attested(_words(reply), (), *reply.work)
        if reply.error:
            data = contract.encode_failure(job, reply.version, reply.error, attested, signatures)
        else:
            data = contract.encode_fulfil(job, reply.version, attested, reply.root, signatures)
        try:
            self._chain.send(self._key, pending.opened.contract, data)
        except Reverted as error:
            if reply.error and error.text != STALE:
                raise
            pending.attempts += 1  # the state moved on: the next step has it computed again
            if pending.attempts < (TRIES if error.text == STALE else ATTEMPTS) or reply.error:
                return
            return self._refuted(pending, requested, signatures, error)
        ended = f"failed: {reply.error}" if reply.error else "fulfilled"
        self._say(f"job {pending.opened.job}: {job.call.function.name} {ended}")

    def _refuted(self, pending: _Pending, requested: Requested, signatures: Sequence[Signature], error: Reverted
                 ) -> None:
        """The chain refuses what the nodes attested: when they see that too, the job has failed, the next is due."""
        signed = [s.r + s.s + bytes([s.v]) for s in signatures]
        block = self._chain.block_number() - self._chain.confirmations
        replies = self._asked(lambda n: msg.Refute(n, pending.opened.job, block, signed), msg.Executed)
        agreed = self._agreed(requested, replies)
        if agreed is None and error.text == STALE:
            return
        if agreed is None:
            return self._refuse(pending, f"the chain does not take its outcome: {error}")
        self._over(pending.opened.job, Outcome(agreed[0].error, replies))
        self._send(pending, requested, *agreed)

    def _asked(self, make: Callable[[int], msg.Message], kind: type[msg.M]) -> dict[int, msg.M]:
        if self.lost:
            raise EngineError(f"the nodes are gone: {self.lost}")
        try:
            return self.team.cluster.ask(make, kind)
        except EngineError as error:
            self.lost = str(error)
            raise


def _words(reply: msg.Executed) -> tuple[int, ...]:
    return tuple(int.from_bytes(word, "big", signed=True) for word in reply.words)


def _signature(data: bytes) -> Signature:
    """r, s and v; what is too short verifies nowhere."""
    return Signature(data[:32].rjust(32, b"\0"), data[32:64].rjust(32, b"\0"), data[64] if len(data) == 65 else 0)


