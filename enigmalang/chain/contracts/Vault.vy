# pragma version 0.4.3
"""
@title A vault: private values of scripts, kept by a committee
@notice Whoever runs a script asks with `request` for an order to be carried out: which values the committee's nodes
        compute with, keep and give out. The order's bytes go to the nodes; here is their hash. One transaction then
        says what came of it. Who may read, compute with or write an entry of MPC is the hub's to say (`may_data`).
"""

import checks

struct Signature:
    r: bytes32
    s: bytes32
    v: uint256

struct Work:
    rounds: uint256
    products: uint256
    additions: uint256

struct Written:
    slot: bytes32
    about: Bytes[1024]

interface Hub:
    def attach(committee: uint256, plan: bytes32, job_time: uint256): nonpayable
    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256: payable
    def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32,
               root: bytes32, work: Work, signatures: DynArray[Signature, 31]): nonpayable
    def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
                       work: Work, signatures: DynArray[Signature, 31]): nonpayable

event Requested:
    job: indexed(uint256)
    order: indexed(bytes32)
    sender: indexed(address)

event Wrote:
    slot: indexed(bytes32)
    job: indexed(uint256)
    about: Bytes[1024]

event Fulfilled:
    job: indexed(uint256)
    opened: bytes32


RUN: constant(bytes32) = keccak256("Vault.run")

HUB: public(immutable(address))

# The orders that were requested, each once: whoever signs one together with its requester does it for one job.
requested: HashMap[bytes32, bool]

# How often the private values have changed hands with the chain, and a commitment to who wrote what last.
version: public(uint256)
private_root: public(bytes32)


@deploy
def __init__(hub: address, committee: uint256, plan: bytes32, job_time: uint256):
    """
    @param committee of the hub, which serves the vault first
    @param plan what says "a vault, version 1" to its nodes
    @param job_time seconds that an order may take
    """
    HUB = hub
    extcall Hub(hub).attach(committee, plan, job_time)


@external
@payable
@nonreentrant
def request(order: bytes32) -> uint256:
    """
    @notice Have an order carried out, once. What is sent is the fee. About 200,000 gas.
    @param order SHA-256 of its bytes, which the caller has not requested before
    @return the job's number
    """
    arguments: bytes32 = keccak256(abi_encode(msg.sender, order))
    if self.requested[arguments]:
        checks.refuse("the order was requested before")
    self.requested[arguments] = True
    job: uint256 = extcall Hub(HUB).open(RUN, arguments, msg.sender, 0, value=msg.value)
    log Requested(job=job, order=order, sender=msg.sender)
    return job


@external
@nonreentrant
def fulfil(job: uint256, requester: address, order: bytes32, version: uint256, opened: bytes32,
           written: DynArray[Written, 32], root: bytes32, work: Work, signatures: DynArray[Signature, 31]):
    """
    @notice What came of an order, attested by the committee.
    @param version of the private values that it was computed on
    @param opened digest of what was opened, which the nodes hand to who asks
    @param written the entries that were written: where, and what there is to know of them
    @param root commitment to the new private values
    """
    if version != self.version:
        checks.refuse("stale version")
    arguments: bytes32 = keccak256(abi_encode(requester, order))
    revealed: bytes32 = keccak256(concat(opened, abi_encode(written)))
    extcall Hub(HUB).settle(job, RUN, arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    for entry: Written in written:
        log Wrote(slot=entry.slot, job=job, about=entry.about)
    log Fulfilled(job=job, opened=opened)


@external
@nonreentrant
def report_failure(job: uint256, requester: address, order: bytes32, version: uint256, error: String[256], work: Work,
                   signatures: DynArray[Signature, 31]):
    """
    @notice Why an order was not carried out, attested by the committee. Nothing has changed.
    """
    if version != self.version:
        checks.refuse("stale version")
    arguments: bytes32 = keccak256(abi_encode(requester, order))
    extcall Hub(HUB).settle_failure(job, RUN, arguments, version, error, work, signatures)


@external
@payable
def __default__():
    """
    @notice Payments of jobs come from the hub, and from nobody else.
    """
    if msg.sender != HUB:
        checks.refuse("only the hub pays in")
