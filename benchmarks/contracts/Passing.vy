# pragma version 0.4.3
"""
@title What the hub sees of a generated contract
@notice Jobs are passed on, with nothing else done. For tests of the hub, and for its gas.
"""

struct Signature:
    r: bytes32
    s: bytes32
    v: uint256
struct Work:
    rounds: uint256
    products: uint256
    additions: uint256
interface Hub:
    def attach(committee: uint256, plan: bytes32, job_time: uint256): nonpayable
    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256: payable
    def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
               work: Work, signatures: DynArray[Signature, 31]): nonpayable
    def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
                       work: Work, signatures: DynArray[Signature, 31]): nonpayable
HUB: immutable(Hub)
version: public(uint256)
@deploy
def __init__(hub: address, committee: uint256, job_time: uint256):
    HUB = Hub(hub)
    extcall HUB.attach(committee, keccak256("plan"), job_time)
@external
@payable
def request(function: bytes32, arguments: bytes32, payment: uint256) -> uint256:
    return extcall HUB.open(function, arguments, msg.sender, payment, value=msg.value)
@external
@nonreentrant
def fulfil(job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
           work: Work, signatures: DynArray[Signature, 31]):
    assert version == self.version, "stale version"
    extcall HUB.settle(job, function, arguments, version, revealed, root, work, signatures)
    self.version += 1
@external
@nonreentrant
def report_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
                   work: Work, signatures: DynArray[Signature, 31]):
    assert version == self.version, "stale version"
    extcall HUB.settle_failure(job, function, arguments, version, error, work, signatures)
@external
@payable
def __default__():
    assert msg.sender == HUB.address, "money from the hub alone"
