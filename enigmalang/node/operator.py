"""The operator of a committee: follows the hub, drives the nodes through their cluster, and sends what they sign.

He is trusted with nothing but to be there: what he changes has no t+1 signatures (`node.serving`), what he leaves
undone is refunded after its deadline. He sees what is on the chain, and ciphertexts.
"""

import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from time import monotonic

from enigmalang.chain import development
from enigmalang.chain.deployed import Contracts
from enigmalang.chain.digests import Signature, Work, failure_digest, result_digest, revealed_digest
from enigmalang.chain.errors import ChainError, ChainUnreachable, Reverted
from enigmalang.chain.follow import Follower
from enigmalang.chain.hub import OPEN, Attachment, Hub, JobState, hub_interface, read_event
from enigmalang.chain.ledger import STALE
from enigmalang.chain.requested import NoSuchJob, Opened, Requested, read_opened, read_requested, served_by
from enigmalang.chain.vault import find_ordered, vault_plan
from enigmalang.diagnostics import EnigmaError
from enigmalang.ethereum.keys import SigningKey
from enigmalang.ethereum.words import number_word
from enigmalang.execute.onchain import TRIES
from enigmalang.execute.ports import EngineError
from enigmalang.node.devchain import LeafValues
from enigmalang.node.reserved import signed_by
from enigmalang.node.teams import KeptOutcomes, Manner, Outcome, Outcomes, Team, as_signature, never
from enigmalang.node.turns import Kind, is_long, least_left
from enigmalang.node.vaults import read_order_job
from enigmalang.node.waiting import Pending, Waiting
from enigmalang.plan.calls import Attested
from enigmalang.plan.codec import PlanError, decode_plan
from enigmalang.plan.plan import Plan
from enigmalang.wire import messages as msg

#: How often the outcome of a job is sent when the chain refuses it for another reason than a newer state.
ATTEMPTS = 3
#: Plans that are kept read; of others the bytes are read again.
PROGRAMS = 64
#: Seconds of jobs after which a step ends.
STEP = 5.0
#: Seconds until nodes that could not compute a job are asked again: more each time, up to the longest.
RETRY, LONGEST = 0.2, 5.0
#: Ended jobs that are remembered, should nobody count them.
LEFT = 1024


class Operator:
    """Serves the jobs of one committee. `step` and `run` are for one thread; `say` is told, in a line each, what people
    should know.
    """

    def __init__(self, hub: Hub, key: SigningKey, team: Team, say: Callable[[str], None] = lambda line: None, *,
                 plans: MutableMapping[bytes, bytes] | None = None, outcomes: Outcomes | None = None,
                 manner: Manner | None = None) -> None:
        """`plans`: the canonical bytes of plans by their hash."""
        self.hub, self.team = hub, team
        self.lost = ""  # why the nodes cannot be asked
        self.left: set[int] = set()  # jobs that ended in a step: whoever counts them takes them out
        self.plans: MutableMapping[bytes, bytes] = {} if plans is None else plans
        self.outcomes: Outcomes = KeptOutcomes() if outcomes is None else outcomes
        self._chain, self._key, self._tell, self._manner = hub.chain, key, say, manner or Manner()
        self._programs: dict[bytes, tuple[Plan, Contracts]] = {}
        self._shipped: set[bytes] = set()
        self._term = self._lost_in = 0  # the terms in which the nodes were asked last, and were lost last
        self._jobs = Waiting(hub, self.plans)
        topics = [hub_interface().event(name).topic for name in ("Opened", "Reattached")]
        committee = number_word(team.number)  # in both at one place
        given = self._manner.start
        start = self._chain.block_number() if given is None else given
        self._follower = Follower(self._chain, hub.address, [topics, None, None, committee], start=start)

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
            stop.wait(self._manner.pause)

    def step(self) -> None:
        """Take up new jobs, and bring each that can be brought further, further, in its turn. Raises ChainError."""
        self._look()
        began, done = monotonic(), set[int]()
        while (pending := self._jobs.next(done)) is not None and monotonic() - began < STEP:
            done.add(pending.opened.job)
            kind = pending.kind
            if self._advance(pending.opened.job, pending):
                done.discard(self._jobs.had(pending))
                self._leave(pending.opened.job)
                self._look()  # who came meanwhile may be next
            elif pending.kind is not kind:
                done.discard(pending.opened.job)  # others go first

    def _look(self) -> None:
        for notice in self._follower.poll():
            event = read_event(notice.log)
            if event.name == "Reattached":
                self._take_over(str(event.fields["contract"]))
                continue
            opened = read_opened(notice.log)
            if notice.removed:
                self._jobs.pop(opened.job, None)
            else:
                self._jobs.add(opened)

    def _take_over(self, contract: str) -> None:
        """A contract came from another committee: its open jobs are ours."""
        attached = self.hub.attachment(contract)
        number, topic = attached.oldest, hub_interface().event("Opened").topic
        while attached.committee == self.team.number and number:
            log = self._chain.last_log(self.hub.address, [topic, number_word(number)], self.hub.first_block(),
                                       self._chain.block_number())
            if log is not None and number not in self._jobs:
                self._jobs.add(served_by(read_opened(log), self.team.number))
            number = self.hub.next_job(number)

    def open_of(self, contract: str) -> list[Opened]:
        """The open jobs of one contract, the oldest first, as of the last step. Any thread may ask."""
        found = [pending.opened for pending in list(self._jobs.values())]
        return sorted((each for each in found if each.contract == contract), key=lambda opened: opened.job)

    @property
    def open_jobs(self) -> list[int]:
        """The jobs that have not ended, as of the last step."""
        return sorted(self._jobs)

    def doing(self) -> dict[int, tuple[str, str]]:
        """For people: the open jobs, their contracts, and what each waits for; nothing for one whose turn has come. As
        of the last step; any thread may ask."""
        said: dict[int, tuple[str, str]] = {}
        first: dict[str, int] = {}
        for number, pending in sorted(self._jobs.copy().items()):
            contract, why = pending.opened.contract, ""
            if pending.refused:
                why = f"refused, and refunded after its deadline: {pending.refused}"
            elif contract in first:
                why = f"waits for job {first[contract]} of the same contract"
            elif not pending.due:
                why = "waits for the plan of its contract, which nobody has handed over"
            elif pending.next_try > monotonic():
                why = "could not be computed, and is tried again"
            elif pending.late:
                why = "is refunded after its deadline: too little of its time was left to begin it"
            first.setdefault(contract, number)
            said[number] = contract, why
        return said

    @property
    def settled_before(self) -> int:
        """No job that was opened before this block is open."""
        blocks = [pending.opened.block for pending in list(self._jobs.values())]
        return min([self._follower.next_block, *blocks])

    @property
    def waiting(self) -> float:
        """Seconds for which the job that waits longest was let lie, of those that could be computed."""
        since = [pending.due for pending in list(self._jobs.values()) if pending.due and not pending.refused]
        return monotonic() - min(since) if since else 0.0

    def reserve(self, size: int, owner: str, receiver: bytes, nonce: bytes = b"") -> tuple[int, dict[int, msg.Masks]]:
        """A mask for inputs of `owner`, told to the holder of `receiver`, who asked with `nonce`. Raises EngineError.
        """
        told = self._asked(lambda n: msg.Reserve(n, size, owner, receiver, nonce), msg.Masks)
        return next(iter(told.values())).number, told

    def _say(self, line: str) -> None:
        """Errors are what contracts say, and they may be anybody's: a terminal gets printable characters."""
        self._tell("".join(char if char.isprintable() else "?" for char in line))

    @property
    def _able(self) -> bool:
        """Whether the nodes can be asked: once they were lost, not before their next term."""
        return self.team.nodes.term not in (0, self._lost_in)

    # ---- one job

    def _leave(self, number: int) -> None:
        """A job that has ended is none of those that wait, whoever's turn is next."""
        if self.hub.job(number).status != OPEN and self._jobs.pop(number, None) is not None:
            self.left = {number} if len(self.left) >= LEFT else self.left | {number}

    def _advance(self, number: int, pending: Pending) -> bool:
        """Whether the nodes were asked to compute it."""
        state = self.hub.job(number)
        if state.status != OPEN:
            del self._jobs[number]
            return False
        attached = self.hub.attachment(pending.opened.contract)
        if attached.committee != self.team.number:  # another one has it by now
            del self._jobs[number]
            return False
        if not pending.due and attached.oldest == number and attached.plan in self.plans:
            pending.due = monotonic()
        if self._overdue(pending, state, attached):
            self._expire(number)
        elif self._able and not pending.refused and attached.oldest == number and monotonic() >= pending.next_try:
            left = self._jobs.left(pending, state, attached)
            pending.late = left < least_left(attached.job_time)
            enough = self._jobs.enough(pending, left, self._look)
            return not pending.late and self._attempt(pending, attached.plan, enough)
        return False

    def _again(self, pending: Pending, error: ChainError) -> None:
        """What the chain does not take is tried a few times: it may be the chain's fault."""
        pending.attempts += 1
        if pending.attempts >= ATTEMPTS:
            self._refuse(pending, f"the chain does not take its outcome: {error}")

    def _overdue(self, pending: Pending, state: JobState, attached: Attachment) -> bool:
        """Whether the deadline is over. A development chain's clock stands still without blocks: there it is moved when
        as much time has passed here.
        """
        now, late = self._chain.block().time, self._manner.late
        if now > state.deadline + late:
            return True
        if not self._chain.development or monotonic() - pending.since <= attached.job_time + late:
            return False
        if now > state.deadline:
            return True
        development.advance(self._chain, seconds=state.deadline + 1 - now)
        return True

    def _expire(self, number: int) -> None:
        try:
            self.hub.fail(self._key, number)
        except Reverted:
            return  # somebody was faster, or the clock is at its very end: the next step sees
        self._say(f"job {number}: not done in time; fee and payment went back")

    def _attempt(self, pending: Pending, digest: bytes, enough: Callable[[], str]) -> bool:
        """See `_advance`. An order that turns out to be long is asked for in its turn."""
        number = pending.opened.job
        if digest not in self.plans:
            if self.outcomes.get(number) is None:
                self.outcomes.put(number, Outcome("nobody has handed over the plan of its contract"))
                self._say(f"job {number}: nobody has handed over its plan {digest.hex()}")
            return False  # perhaps somebody will
        try:
            patient = monotonic() - pending.since < self._manner.patience
            if digest == vault_plan():
                order = self._order(pending.opened)
                if patient and not order:
                    return False  # perhaps somebody will
                if pending.kind is Kind.SHORT and is_long(read_order_job(self._chain, pending.opened, order).circuit):
                    pending.kind = Kind.LONG
                    return False
            self._execute(pending, self.requested(pending.opened, digest), digest, enough)
        except ChainUnreachable:
            raise
        except ChainError as error:
            self._again(pending, error)
        except (NoSuchJob, PlanError, EnigmaError) as error:
            self._refuse(pending, str(error))
        except EngineError as error:
            pending.breaks += 1
            self._say(f"the nodes are gone: {error}; open jobs are refunded after their deadlines (job {number})")
        return True

    def _refuse(self, pending: Pending, reason: str) -> None:
        pending.refused = reason
        self.outcomes.put(pending.opened.job, Outcome(reason))
        self._say(f"job {pending.opened.job}: refused, and refunded after its deadline: {reason}")

    def requested(self, opened: Opened, digest: bytes) -> Requested:
        """What was asked for with a job of a contract with this plan. Any thread may ask. Raises NoSuchJob, ChainError,
        PlanError, EnigmaError; KeyError when nobody has the plan.
        """
        if digest == vault_plan():
            return read_order_job(self._chain, opened, self._order(opened)).requested
        plan, contracts = self._program(digest)
        return read_requested(self._chain, contracts, plan, LeafValues(), opened)

    def _order(self, opened: Opened) -> bytes:
        """The order of a job of a vault; empty when nobody has handed it over. Raises NoSuchJob, ChainError."""
        return self.plans.get(find_ordered(self._chain, opened), b"")

    def _program(self, digest: bytes) -> tuple[Plan, Contracts]:
        if digest not in self._programs:
            plan = decode_plan(self.plans[digest])
            made = plan, Contracts(self._chain, self.hub.address, plan, LeafValues())
            while len(self._programs) >= PROGRAMS:
                del self._programs[next(iter(self._programs))]
            self._programs[digest] = made
        return self._programs[digest]

    def _execute(self, pending: Pending, requested: Requested, digest: bytes, enough: Callable[[], str]) -> None:
        opened, term = pending.opened, self.team.nodes.term
        if term != self._term:  # they may have forgotten
            self._shipped.clear()
            self._term = term
        block = self._chain.block_number() - self._chain.confirmations
        plan = b"" if digest in self._shipped else self.plans[digest]
        if digest == vault_plan():
            plan = self._order(opened)
        replies = self._asked(
            lambda n: msg.Execute(n, opened.job, opened.block, block, digest, plan), msg.Executed, enough)
        agreed = self._agreed(requested, replies)
        reasons = [reply.error for reply in replies.values() if not reply.signature]
        if reasons and (agreed is None or any(reply.results or reply.parcels for reply in replies.values())):
            pending.refusals += 1  # of private results each node's piece is needed
            pending.next_try = monotonic() + min(RETRY * pending.refusals, LONGEST)
            if pending.refusals >= self._manner.refusals:
                self._refuse(pending, reasons[0])
            return
        self._shipped.add(digest)
        if agreed is None:
            self._refuse(pending, "the nodes do not agree on its outcome")
            return
        self.outcomes.put(opened.job, Outcome(agreed[0].error, replies))
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
        return replies[largest[0]], [as_signature(replies[node].signature) for node in largest]

    def _digest(self, requested: Requested, reply: msg.Executed) -> bytes:
        domain, work = self.hub.domain, Work(*reply.work)
        if reply.error:
            return failure_digest(domain, requested.digests, reply.version, reply.error, work)
        revealed = revealed_digest(_words(reply))
        return result_digest(domain, requested.digests, reply.version, revealed, reply.root, work)

    def _send(self, pending: Pending, requested: Requested, reply: msg.Executed, signatures: Sequence[Signature]
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

    def _refuted(self, pending: Pending, requested: Requested, signatures: Sequence[Signature], error: Reverted
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
        self.outcomes.put(pending.opened.job, Outcome(agreed[0].error, replies))
        self._send(pending, requested, *agreed)

    def _asked(self, make: Callable[[int], msg.Message], kind: type[msg.M], enough: Callable[[], str] = never
               ) -> dict[int, msg.M]:
        if not self._able:
            raise EngineError(f"the nodes are gone: {self.lost}")
        term = self.team.nodes.term
        try:
            return self.team.nodes.ask(make, kind, enough)
        except EngineError as error:
            self.lost, self._lost_in = str(error), term
            raise


def _words(reply: msg.Executed) -> tuple[int, ...]:
    return tuple(int.from_bytes(word, "big", signed=True) for word in reply.words)
