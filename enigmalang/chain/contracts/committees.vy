# pragma version 0.4.3
"""
@title Committees of nodes
@notice A committee keeps secrets with a threshold t: t of its members learn nothing, t+1 can sign for it, and
        computing needs 2t+1. Every member has agreed by its signature, for whoever shares a committee with t+1
        liars can lose its deposit to them. It is over when all its contracts are with others, or when it got none for
        as long as a node's notice lasts.
"""

import checks
import nodes
import signing

uses: nodes

event Formed:
    committee: indexed(uint256)
    members: DynArray[address, 31]
    threshold: uint256
    rotation: uint256
    consent: bytes32

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
    contracts: uint256
    rotation: uint256


MAX_SERVED: constant(uint256) = 32
NUMBER: constant(uint256) = 2**64 - 1
CONTRACT: constant(uint256) = 1 << 48
OPEN_JOB: constant(uint256) = 1 << 112
MAX_JOB_TIME: public(immutable(uint256))

committee_count: public(uint256)
# threshold | present << 8 | rotation << 16 | contracts << 48 | open jobs << 112 | when it is over, unless it
# has had a contract << 176, in one slot
state: HashMap[uint256, uint256]
members: HashMap[uint256, DynArray[address, 31]]
# number of a member's seat, from 1; 0 for strangers and for those who lost theirs
seats: HashMap[uint256, HashMap[address, uint256]]
serves: HashMap[address, DynArray[uint256, MAX_SERVED]]
# What each member has ever earned, and what of it a member has had: a job is paid for with one write, not n.
earned: HashMap[uint256, uint256]
had: HashMap[uint256, HashMap[address, uint256]]
# Which committee came of a consent: a number may be another committee's after a reorganisation of the chain.
formed: HashMap[bytes32, uint256]


@deploy
def __init__(max_job_time: uint256):
    # Notice is longer than any job that was open when it was given.
    assert nodes.UNBONDING >= 2 * max_job_time, "unbonding is shorter than two jobs"
    assert max_job_time < 2**32, "jobs are too long"
    MAX_JOB_TIME = max_job_time


@external
@nonreentrant
def form(members: DynArray[address, 31], threshold: uint256, salt: bytes32, until: uint256,
         signatures: DynArray[signing.Signature, 31], rotation: uint256) -> uint256:
    """
    @notice Make a committee of active nodes that have agreed. Anyone may call it; about 60,000 gas, 75,000 a member.
    @param threshold t, with n >= 2t+1 and t >= 1
    @param salt makes a second committee of the same members another one
    @param until time after which the signatures count no more
    @param signatures of Consent, in the order of `members`
    @param rotation how many jobs of a contract it serves before it hands the contract over; 0 for any number
    @return the committee's number
    """
    if threshold < 1 or len(members) < 2 * threshold + 1:
        checks.refuse("2t+1 nodes are needed, t >= 1")
    if len(signatures) != len(members):
        checks.refuse("signatures of each member needed")
    if rotation >= 2**32:
        checks.refuse("too long a rotation")
    if block.timestamp > until:
        checks.refuse("the consent is too old")
    digest: bytes32 = signing._consent(members, threshold, salt, until, rotation)
    if self.formed[digest] != 0:
        checks.refuse("formed already")
    committee: uint256 = self.committee_count + 1
    self.committee_count = committee
    self.formed[digest] = committee
    for i: uint256 in range(len(members), bound=31):
        member: address = members[i]
        if not nodes._is_active(member):
            checks.refuse("a member is no active node")
        if self.seats[committee][member] != 0:
            checks.refuse("a member twice")
        if signing._signer(digest, signatures[i]) != member:
            checks.refuse("a member has not agreed")
        if len(self.serves[member]) >= MAX_SERVED:
            self._collect(member, False)
        if len(self.serves[member]) >= MAX_SERVED:
            checks.refuse("a member has too many committees")
        self.seats[committee][member] = i + 1
        self.serves[member].append(committee)
    self.members[committee] = members
    self.state[committee] = (
        threshold | (len(members) << 8) | (rotation << 16) | ((block.timestamp + nodes.UNBONDING) << 176)
    )
    log Formed(committee=committee, members=members, threshold=threshold, rotation=rotation, consent=digest)
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
            if (self.state[committee] >> 112) & NUMBER != 0:
                checks.refuse("a job of its committee is open")
    self._collect(msg.sender, True)
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
    self._collect(who, False)
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
                     open_jobs=(state >> 112) & NUMBER, contracts=(state >> 48) & NUMBER,
                     rotation=(state >> 16) & (2**32 - 1))


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
@view
def _is_over(state: uint256) -> bool:
    """
    @dev Once it is, it stays so.
    """
    return (state >> 48) & NUMBER == 0 and block.timestamp >= state >> 176


@internal
def _attach(committee: uint256):
    """
    @dev One contract more.
    """
    state: uint256 = self.state[committee]
    if self._is_over(state):
        checks.refuse("no such committee, or it is over")
    self.state[committee] = (state & (2**176 - 1)) + CONTRACT


@internal
def _hand_over(committee: uint256, successor: uint256, open_jobs: uint256):
    """
    @dev A contract, with its open jobs, to a committee of which as many may lie, and that rotates alike.
    """
    old: uint256 = self.state[committee]
    new: uint256 = self.state[successor]
    if successor == committee or new & 255 < old & 255 or (old ^ new) & ((2**32 - 1) << 16) != 0:
        checks.refuse("the successor does not fit")
    self._attach(successor)
    self.state[committee] = old - CONTRACT - open_jobs * OPEN_JOB
    self.state[successor] += open_jobs * OPEN_JOB


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
def _collect(who: address, leaves: bool):
    """
    @dev What it earned becomes credit. Its seats in committees that are over go; in all, if it leaves: who has no
         deposit has no seat.
    """
    due: uint256 = 0
    kept: DynArray[uint256, MAX_SERVED] = []
    for committee: uint256 in self.serves[who]:
        earned: uint256 = self.earned[committee]
        due += earned - self.had[committee][who]
        self.had[committee][who] = earned
        state: uint256 = self.state[committee]
        if leaves or self._is_over(state):
            self.seats[committee][who] = 0
            self.state[committee] = state - (1 << 8)
            log Unseated(committee=committee, node=who)
        else:
            kept.append(committee)
    self.serves[who] = kept
    nodes._credit(who, due)
