# pragma version 0.4.3
"""
@title Jobs: what contracts ask of their committees
@notice A job is opened by its contract with the fee and the payment that the caller sent. It ends once: attested by
        t+1 nodes as a result (the payment goes to the contract) or as a failure (it returns), or expired (fee and
        payment return). Of each contract, the oldest open job is next. A contract goes, with its open jobs, from its
        committee to another when t+1 of both have signed: nothing that the old one signed counts after that.
"""

import checks
import committees
import nodes
import signing

uses: committees
uses: nodes

event Attached:
    contract: indexed(address)
    committee: indexed(uint256)
    plan: bytes32
    job_time: uint256

event Reattached:
    contract: indexed(address)
    old: indexed(uint256)
    successor: indexed(uint256)
    settled: uint256
    run: bytes32

event Opened:
    job: indexed(uint256)
    contract: indexed(address)
    committee: indexed(uint256)
    function: bytes32
    arguments: bytes32
    requester: address
    payment: uint256
    fee: uint256
    deadline: uint256

event Settled:
    job: indexed(uint256)
    contract: indexed(address)
    version: uint256
    revealed: bytes32
    root: bytes32
    work: signing.Work
    paid: uint256

event Failed:
    job: indexed(uint256)
    contract: indexed(address)
    version: uint256
    error: String[256]
    work: signing.Work
    paid: uint256

event Expired:
    job: indexed(uint256)
    contract: indexed(address)

event Slashed:
    job: indexed(uint256)
    accused: indexed(address)
    reason: bytes32
    amount: uint256
    deadline: uint256


struct Stored:
    head: uint256  # requester | deadline << 160 | prolonged << 224 | status << 232
    contract: address
    amounts: uint256  # payment | fee << 128
    call: bytes32  # keccak256(function, arguments)
    links: uint256  # next | previous << 128, among the contract's open jobs

struct Job:
    contract: address
    requester: address
    payment: uint256
    fee: uint256
    deadline: uint256
    prolonged: bool
    status: uint256

struct Attachment:
    committee: uint256
    plan: bytes32
    job_time: uint256
    oldest: uint256
    newest: uint256
    settled: uint256
    since: uint256
    open: uint256


OPEN: constant(uint256) = 1
FULFILLED: constant(uint256) = 2
FAILED: constant(uint256) = 3
EXPIRED: constant(uint256) = 4
LOW: constant(uint256) = 2**128 - 1
NUMBER: constant(uint256) = 2**64 - 1
# In `attached`
SETTLED: constant(uint256) = 1 << 64
OPEN_JOB: constant(uint256) = 1 << 224
MIN_JOB_TIME: constant(uint256) = 10

JOB_TIME: public(immutable(uint256))
ROUND_WEIGHT: public(immutable(uint256))
PRODUCT_WEIGHT: public(immutable(uint256))
ADDITION_WEIGHT: public(immutable(uint256))

job_count: public(uint256)
jobs: HashMap[uint256, Stored]
# committee, from 1 | settled << 64 | settled when the committee took the contract over << 128 | job time << 192 |
# open jobs << 224; settled counts the results, failures and hand-overs
attached: HashMap[address, uint256]
plans: HashMap[address, bytes32]
# oldest | newest << 128 of a contract's open jobs
queues: HashMap[address, uint256]


@deploy
def __init__(job_time: uint256, round_weight: uint256, product_weight: uint256, addition_weight: uint256):
    assert MIN_JOB_TIME <= job_time and job_time <= committees.MAX_JOB_TIME, "job time out of bounds"
    JOB_TIME = job_time
    ROUND_WEIGHT = round_weight
    PRODUCT_WEIGHT = product_weight
    ADDITION_WEIGHT = addition_weight


@external
@nonreentrant
def attach(committee: uint256, plan: bytes32, job_time: uint256 = 0):
    """
    @notice The calling contract says which committee serves it first. About 75,000 gas.
    @param plan hash of the canonical bytes of its plan
    @param job_time seconds that a job may take; 0 for the hub's own
    """
    if self.attached[msg.sender] != 0:
        checks.refuse("attached already")
    committees._attach(committee)
    time: uint256 = job_time
    if time == 0:
        time = JOB_TIME
    if time < MIN_JOB_TIME or time > committees.MAX_JOB_TIME:
        checks.refuse("job time out of bounds")
    self.attached[msg.sender] = committee | (time << 192)
    self.plans[msg.sender] = plan
    log Attached(contract=msg.sender, committee=committee, plan=plan, job_time=time)


@external
@nonreentrant
def reattach(contract: address, consent: bytes32, settled: uint256, run: bytes32,
             signatures: DynArray[signing.Signature, 31], successors: DynArray[signing.Signature, 31]):
    """
    @notice Another committee serves a contract from now on, and its open jobs; t+1 of each say by a signature of
            Handover that the successor has what the contract keeps. Anyone may call it.
    @param consent which the successor's members signed when it was formed: its number alone may be another committee's
           after a reorganisation of the chain
    @param settled the contract's count of results, failures and hand-overs at which that was so
    @param run which sharing it has: two attempts are two, and shares of both do not fit together
    @param signatures of the committee that serves it now
    @param successors signatures of the successor
    """
    attached: uint256 = self._attached_to(contract)
    if (attached >> 64) & NUMBER != settled:
        checks.refuse("the contract changed since")
    committee: uint256 = attached & NUMBER
    successor: uint256 = committees.formed[consent]
    digest: bytes32 = signing._handover(contract, committee, successor, consent, settled, run)
    committees._hand_over(committee, successor, attached >> 224)
    committees._check(committee, digest, signatures, empty(address))
    committees._check(successor, digest, successors, empty(address))
    self.attached[contract] = successor | ((settled + 1) * (SETTLED | 1 << 128)) | (attached >> 192 << 192)
    log Reattached(contract=contract, old=committee, successor=successor, settled=settled, run=run)


@external
@payable
@nonreentrant
def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256:
    """
    @notice Open a job of the calling contract. What is sent beyond `payment` is the fee.
    @param arguments digest of everything the job computes on, its requester included
    @param requester who gets back what is not spent
    @param payment what the contract gets when the job is fulfilled
    @return the job's number, unique in this hub
    """
    attached: uint256 = self._attached_to(msg.sender)
    committee: uint256 = attached & NUMBER
    state: uint256 = committees.state[committee]
    if (state >> 8) & 255 <= state & 255:
        checks.refuse("it has lost too many nodes")
    if payment > msg.value:
        checks.refuse("less was sent than the payment")
    if msg.value > LOW:
        checks.refuse("too much was sent")
    fee: uint256 = msg.value - payment
    deadline: uint256 = block.timestamp + self._job_time(attached)
    job: uint256 = self.job_count + 1
    self.job_count = job
    committees.state[committee] = state + committees.OPEN_JOB
    self.attached[msg.sender] = attached + OPEN_JOB
    self.jobs[job].head = convert(requester, uint256) | (deadline << 160) | (OPEN << 232)
    self.jobs[job].contract = msg.sender
    self.jobs[job].amounts = payment | (fee << 128)
    self.jobs[job].call = keccak256(concat(function, arguments))
    queue: uint256 = self.queues[msg.sender]
    if queue == 0:
        self.queues[msg.sender] = job | (job << 128)
    else:
        newest: uint256 = queue >> 128
        self.jobs[newest].links |= job
        self.jobs[job].links = newest << 128
        self.queues[msg.sender] = (queue & LOW) | (job << 128)
    log Opened(job=job, contract=msg.sender, committee=committee, function=function, arguments=arguments,
               requester=requester, payment=payment, fee=fee, deadline=deadline)
    return job


@external
@nonreentrant
def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
           work: signing.Work, signatures: DynArray[signing.Signature, 31]):
    """
    @notice The calling contract fulfils its oldest open job; t+1 of the committee attest it. The payment is sent to
            the contract, the fee for the work is split among the committee, the rest waits for the requester.
    @param version of the contract's state that the nodes computed on
    @param revealed digest of the attested words
    @param root commitment to the new private state
    """
    amounts: uint256 = self._attested(
        job, function, arguments,
        signing._result(msg.sender, self._committee(msg.sender), job, function, arguments, version, revealed, root,
                        work), signatures
    )
    requester: address = self._close(job, FULFILLED)
    paid: uint256 = self._pay(amounts >> 128, requester, work, 0)
    log Settled(job=job, contract=msg.sender, version=version, revealed=revealed, root=root, work=work, paid=paid)
    payment: uint256 = amounts & LOW
    if payment > 0:
        raw_call(msg.sender, b"", value=payment)


@external
@nonreentrant
def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
                   work: signing.Work, signatures: DynArray[signing.Signature, 31]):
    """
    @notice The calling contract ends its oldest open job as failed; t+1 of the committee attest that it fails.
            The fee for the work is split among the committee; the payment and the rest wait for the requester.
    """
    amounts: uint256 = self._attested(
        job, function, arguments,
        signing._failure(msg.sender, self._committee(msg.sender), job, function, arguments, version,
                         keccak256(error), work), signatures
    )
    requester: address = self._close(job, FAILED)
    paid: uint256 = self._pay(amounts >> 128, requester, work, amounts & LOW)
    log Failed(job=job, contract=msg.sender, version=version, error=error, work=work, paid=paid)


@external
@nonreentrant
def fail(job: uint256):
    """
    @notice End a job that is past its deadline; fee and payment wait for the requester. Anyone may call it.
    """
    if block.timestamp <= self._deadline(self._head(job)):
        checks.refuse("the deadline is not over")
    contract: address = self.jobs[job].contract
    amounts: uint256 = self.jobs[job].amounts
    requester: address = self._close(job, EXPIRED)
    nodes._credit(requester, (amounts & LOW) + (amounts >> 128))
    log Expired(job=job, contract=contract)


@external
@nonreentrant
def accuse(job: uint256, accused: address, reason: bytes32, signatures: DynArray[signing.Signature, 31]):
    """
    @notice Take the deposit of a node that t+1 other members of an open job's committee accuse. It is shared among
            the members that stay; the accused loses its seats; the job is redone, its deadline prolonged once.
            Anyone may call it.
    @param reason digest of the evidence, which the accusers keep
    """
    head: uint256 = self._head(job)
    deadline: uint256 = self._in_time(head)
    attached: uint256 = self.attached[self.jobs[job].contract]
    committee: uint256 = attached & NUMBER
    if committees.seats[committee][accused] == 0:
        checks.refuse("the accused is no member")
    committees._check(committee, signing._accusation(job, accused, reason), signatures, accused)
    committees._collect(accused, True)
    amount: uint256 = nodes._remove(accused)
    nodes._credit(convert(head & (2**160 - 1), address), committees._earn(committee, amount))
    if (head >> 224) & 1 == 0:
        deadline = block.timestamp + self._job_time(attached)
        self.jobs[job].head = (head & (2**160 - 1)) | (deadline << 160) | (1 << 224) | (OPEN << 232)
    log Slashed(job=job, accused=accused, reason=reason, amount=amount, deadline=deadline)


@external
@view
def job(number: uint256) -> Job:
    """
    @notice A job; status 0 none, 1 open, 2 fulfilled, 3 failed, 4 expired. Its amounts are 0 once it is closed.
    """
    stored: Stored = self.jobs[number]
    return Job(contract=stored.contract, requester=convert(stored.head & (2**160 - 1), address),
               payment=stored.amounts & LOW, fee=stored.amounts >> 128, deadline=self._deadline(stored.head),
               prolonged=(stored.head >> 224) & 1 == 1, status=stored.head >> 232)


@external
@view
def attachment(contract: address) -> Attachment:
    """
    @notice What a contract is attached to, and the ends of its queue of open jobs; all 0 if it did not attach.
            `settled` counts results, failures and hand-overs, `since` is what it was when the committee took over.
    """
    attached: uint256 = self.attached[contract]
    queue: uint256 = self.queues[contract]
    return Attachment(committee=attached & NUMBER, plan=self.plans[contract], job_time=self._job_time(attached),
                      oldest=queue & LOW, newest=queue >> 128, settled=(attached >> 64) & NUMBER,
                      since=(attached >> 128) & NUMBER, open=attached >> 224)


@external
@view
def next_job(number: uint256) -> uint256:
    """
    @notice The job of the same contract that comes after an open one, 0 if none.
    """
    return self.jobs[number].links & LOW


@external
@view
def price(work: signing.Work) -> uint256:
    """
    @notice What a committee is paid for so much work, if the fee is enough.
    """
    return self._price(work)


@internal
@view
def _head(job: uint256) -> uint256:
    """
    @dev Of an open job.
    """
    head: uint256 = self.jobs[job].head
    if head >> 232 != OPEN:
        checks.refuse("the job is not open")
    return head


@internal
@pure
def _deadline(head: uint256) -> uint256:
    return (head >> 160) & NUMBER


@internal
@view
def _in_time(head: uint256) -> uint256:
    """
    @dev The deadline, which is not over.
    """
    deadline: uint256 = self._deadline(head)
    if block.timestamp > deadline:
        checks.refuse("the deadline is over")
    return deadline


@internal
@view
def _attached_to(contract: address) -> uint256:
    attached: uint256 = self.attached[contract]
    if attached == 0:
        checks.refuse("the contract is not attached")
    return attached


@internal
@view
def _committee(contract: address) -> uint256:
    return self.attached[contract] & NUMBER


@internal
@pure
def _job_time(attached: uint256) -> uint256:
    return (attached >> 192) & (2**32 - 1)


@internal
@view
def _price(work: signing.Work) -> uint256:
    return work.rounds * ROUND_WEIGHT + work.products * PRODUCT_WEIGHT + work.additions * ADDITION_WEIGHT


@internal
@view
def _attested(job: uint256, function: bytes32, arguments: bytes32, digest: bytes32,
              signatures: DynArray[signing.Signature, 31]) -> uint256:
    """
    @dev Asserts everything that settling needs; gives the job's amounts.
    """
    head: uint256 = self._head(job)
    if self.jobs[job].contract != msg.sender:
        checks.refuse("the job is another contract's")
    if self.queues[msg.sender] & LOW != job:
        checks.refuse("an older job is open")
    self._in_time(head)
    if self.jobs[job].call != keccak256(concat(function, arguments)):
        checks.refuse("the job has other arguments")
    committees._check(self._committee(msg.sender), digest, signatures, empty(address))
    return self.jobs[job].amounts


@internal
def _close(job: uint256, status: uint256) -> address:
    """
    @dev Out of its contract's queue, from wherever it stands there. What is cleared is refunded in gas.
    """
    head: uint256 = self.jobs[job].head
    contract: address = self.jobs[job].contract
    links: uint256 = self.jobs[job].links
    after: uint256 = links & LOW
    before: uint256 = links >> 128
    queue: uint256 = self.queues[contract]
    oldest: uint256 = queue & LOW
    newest: uint256 = queue >> 128
    if before == 0:
        oldest = after
    else:
        self.jobs[before].links = (self.jobs[before].links >> 128 << 128) | after
    if after == 0:
        newest = before
    else:
        self.jobs[after].links = (self.jobs[after].links & LOW) | (before << 128)
    self.queues[contract] = oldest | (newest << 128)
    attached: uint256 = self.attached[contract] - OPEN_JOB
    committees.state[attached & NUMBER] -= committees.OPEN_JOB
    if status != EXPIRED:
        attached += SETTLED
    self.attached[contract] = attached
    self.jobs[job].head = (head & (2**232 - 1)) | (status << 232)
    self.jobs[job].amounts = 0
    self.jobs[job].call = empty(bytes32)
    if links != 0:
        self.jobs[job].links = 0
    return convert(head & (2**160 - 1), address)


@internal
def _pay(fee: uint256, requester: address, work: signing.Work, back: uint256) -> uint256:
    """
    @dev The committee has its price, as far as the fee goes; the requester has the rest, and `back`.
    """
    price: uint256 = min(fee, self._price(work))
    left: uint256 = committees._earn(self._committee(msg.sender), price)
    nodes._credit(requester, fee - price + left + back)
    return price - left
