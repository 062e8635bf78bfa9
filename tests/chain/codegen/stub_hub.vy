# pragma version 0.4.3
# A hub that believes everybody: for tests of what is generated, not of what the hub checks.

struct Signature:
    r: bytes32
    s: bytes32
    v: uint256

struct Work:
    rounds: uint256
    products: uint256
    additions: uint256

struct Entry:
    block: uint256
    time: uint256
    writer: address
    kind: String[64]
    value: Bytes[4096]

jobs: public(uint256)
payments: HashMap[uint256, uint256]
settled: public(bytes32)
entries: HashMap[bytes32, DynArray[Entry, 100]]


@external
def attach(committee: uint256, plan: bytes32):
    assert committee == 7, "committee"


@external
@payable
def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256:
    self.jobs += 1
    self.payments[self.jobs] = payment
    return self.jobs


@external
def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
           work: Work, signatures: DynArray[Signature, 31]):
    self.settled = keccak256(abi_encode(job, function, arguments, version, revealed, root))
    if self.payments[job] > 0:
        raw_call(msg.sender, b"", value=self.payments[job])


@external
def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
                   work: Work, signatures: DynArray[Signature, 31]):
    pass


@external
def write(key: bytes32, kind: String[64], content: Bytes[4096]):
    self.entries[key].append(
        Entry(block=block.number, time=block.timestamp, writer=msg.sender, kind=kind, value=content))


@external
@view
def has(key: bytes32) -> bool:
    return len(self.entries[key]) > 0


@external
@view
def latest(key: bytes32) -> Entry:
    return self.entries[key][len(self.entries[key]) - 1]


@external
@view
def at(key: bytes32, when: uint256) -> Entry:
    return self.entries[key][0]
