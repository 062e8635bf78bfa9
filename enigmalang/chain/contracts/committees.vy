# pragma version 0.4.3
"""
@title Committees of nodes
@notice A committee keeps secrets with a threshold t: t of its members learn nothing, t+1 can sign for it, and
        computing needs 2t+1. Every member has agreed by its signature, for whoever shares a committee with t+1
        liars can lose its deposit to them.
"""

import checks
import nodes
import signing

uses: nodes

event Formed:
    committee: indexed(uint256)
    members: DynArray[address, 31]
    threshold: uint256

event Unseated:
    committee: indexed(uint256)
    node: indexed(address)

event Withdrawn:
    node: indexed(address)
    amount: uint256

event Claimed:
    who: indexed(address)
    amount: uint256


struct Committee:
    members: DynArray[address, 31]
    threshold: uint256
    present: uint256
    open_jobs: uint256


MAX_SERVED: constant(uint256) = 32
MAX_JOB_TIME: public(immutable(uint256))

committee_count: public(uint256)
# threshold | present << 8 | open jobs << 16, in one slot
state: HashMap[uint256, uint256]
members: HashMap[uint256, DynArray[address, 31]]
# number of a member's seat, from 1; 0 for strangers and for those who lost theirs
seats: HashMap[uint256, HashMap[address, uint256]]
serves: HashMap[address, DynArray[uint256, MAX_SERVED]]
# What each member has ever earned, and what of it a member has had: a job is paid for with one write, not n.
earned: HashMap[uint256, uint256]
had: HashMap[uint256, HashMap[address, uint256]]
formed: HashMap[bytes32, bool]


@deploy
def __init__(max_job_time: uint256):
    # Notice is longer than any job that was open when it was given.
    assert nodes.UNBONDING >= 2 * max_job_time, "unbonding is shorter than two jobs"
    MAX_JOB_TIME = max_job_time


@external
@nonreentrant
def form(members: DynArray[address, 31], threshold: uint256, salt: bytes32, until: uint256,
         signatures: DynArray[signing.Signature, 31]) -> uint256:
    """
    @notice Make a committee of active nodes that have agreed. Anyone may call it; about 60,000 gas, 75,000 a member.
    @param threshold t, with n >= 2t+1 and t >= 1
    @param salt makes a second committee of the same members another one
    @param until time after which the signatures count no more
    @param signatures of Consent, in the order of `members`
    @return the committee's number
    """
    if threshold < 1 or len(members) < 2 * threshold + 1:
        checks.refuse("a committee needs 2t+1 nodes, with t at least 1")
    if len(signatures) != len(members):
        checks.refuse("a signature of each member is needed")
    if block.timestamp > until:
        checks.refuse("the consent is too old")
    digest: bytes32 = signing._consent(members, threshold, salt, until)
    if self.formed[digest]:
        checks.refuse("formed already")
    self.formed[digest] = True
    committee: uint256 = self.committee_count + 1
    self.committee_count = committee
    for i: uint256 in range(len(members), bound=31):
        member: address = members[i]
        if not nodes._is_active(member):
            checks.refuse("a member is no active node")
        if self.seats[committee][member] != 0:
            checks.refuse("a member twice")
        if signing._signer(digest, signatures[i]) != member:
            checks.refuse("a member has not agreed")
        if len(self.serves[member]) >= MAX_SERVED:
            checks.refuse("a member serves in too many committees")
        self.seats[committee][member] = i + 1
        self.serves[member].append(committee)
    self.members[committee] = members
    self.state[committee] = threshold | (len(members) << 8)
    log Formed(committee=committee, members=members, threshold=threshold)
    return committee


@external
@nonreentrant
def withdraw():
    """
    @notice Pay the calling node its deposit, after its notice, and when no job of its committees is open that it
            was bound to serve: one that was opened before its notice ended.
    """
    until: uint256 = nodes.nodes[msg.sender].leaves
    if until == 0:
        checks.refuse("the node has not given notice")
    if block.timestamp < until:
        checks.refuse("the notice is not over")
    if block.timestamp <= until + 2 * MAX_JOB_TIME:  # until then a job from before may be open
        for committee: uint256 in self.serves[msg.sender]:
            if self.state[committee] >> 16 != 0:
                checks.refuse("a job of its committee is open")
    self._unseat(msg.sender)
    amount: uint256 = nodes._remove(msg.sender)
    log Withdrawn(node=msg.sender, amount=amount)
    raw_call(msg.sender, b"", value=amount)


@external
@nonreentrant
def claim(who: address = msg.sender) -> uint256:
    """
    @notice Pay `who` all that it is owed: fees, refunds, shares of slashed deposits. Anyone may call it, so that
            money owed to a contract is not stuck.
    @return the amount
    """
    self._collect(who)
    amount: uint256 = nodes.credit[who]
    nodes.credit[who] = 0
    log Claimed(who=who, amount=amount)
    raw_call(who, b"", value=amount)
    return amount


@external
@view
def owed(who: address) -> uint256:
    """
    @notice What `claim(who)` would pay.
    """
    amount: uint256 = nodes.credit[who]
    for committee: uint256 in self.serves[who]:
        amount += self.earned[committee] - self.had[committee][who]
    return amount


@external
@view
def committee(number: uint256) -> Committee:
    """
    @notice Members as they were when it was formed; `present` of them still have their seats (see `seat`).
    """
    state: uint256 = self.state[number]
    return Committee(members=self.members[number], threshold=state & 255, present=(state >> 8) & 255,
                     open_jobs=state >> 16)


@external
@view
def seat(committee: uint256, who: address) -> uint256:
    """
    @notice From 1; 0 for who is no member, or no longer.
    """
    return self.seats[committee][who]


@external
@view
def committees_of(who: address) -> DynArray[uint256, MAX_SERVED]:
    """
    @notice The committees in which `who` has a seat.
    """
    return self.serves[who]


@internal
@view
def _check(committee: uint256, digest: bytes32, signatures: DynArray[signing.Signature, 31], excluded: address):
    """
    @dev Asserts t+1 valid signatures of different members, `excluded` not among them; 6,900 gas each.
    """
    if len(signatures) <= self.state[committee] & 255:
        checks.refuse("too few signatures")
    seen: uint256 = 0
    for signature: signing.Signature in signatures:
        who: address = signing._signer(digest, signature)
        seat: uint256 = self.seats[committee][who]
        if seat == 0 or who == excluded:
            checks.refuse("signed by a stranger")
        if seen & (1 << seat) != 0:
            checks.refuse("signed twice")
        seen |= 1 << seat


@internal
def _earn(committee: uint256, amount: uint256) -> uint256:
    """
    @dev Split among those present; what cannot be split is returned.
    """
    present: uint256 = (self.state[committee] >> 8) & 255
    share: uint256 = amount // present
    if share > 0:
        self.earned[committee] += share
    return amount - share * present


@internal
def _collect(who: address):
    due: uint256 = 0
    for committee: uint256 in self.serves[who]:
        earned: uint256 = self.earned[committee]
        due += earned - self.had[committee][who]
        self.had[committee][who] = earned
    nodes._credit(who, due)


@internal
def _unseat(who: address):
    """
    @dev Who has no deposit has no seat, in any committee.
    """
    self._collect(who)
    for committee: uint256 in self.serves[who]:
        self.seats[committee][who] = 0
        self.state[committee] -= 1 << 8
        log Unseated(committee=committee, node=who)
    self.serves[who] = []
