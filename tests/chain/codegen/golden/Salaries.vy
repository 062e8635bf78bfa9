# pragma version 0.4.3
# Generated from salaries.enig by EnigmaLang: change that file, not this one.
"""
@title Salaries
@notice Salaries: the public part of a private contract.
"""

interface Hub:
    def attach(committee: uint256, plan: bytes32): nonpayable
    def open(function: bytes32, arguments: bytes32, requester: address, payment: uint256) -> uint256: payable
    def settle(job: uint256, function: bytes32, arguments: bytes32, version: uint256,
               revealed: bytes32, root: bytes32, work: Work,
               signatures: DynArray[Signature, 31]): nonpayable
    def settle_failure(job: uint256, function: bytes32, arguments: bytes32, version: uint256,
                       error: String[256], work: Work,
                       signatures: DynArray[Signature, 31]): nonpayable

struct Signature:
    r: bytes32
    s: bytes32
    v: uint256

struct Work:
    rounds: uint256
    products: uint256
    additions: uint256


# ---- State

HUB: public(immutable(Hub))
CREATOR: public(immutable(address))
PLAN_HASH: public(constant(bytes32)) = 0x401873cca2ad7af3427b2c68990368f0b00f5b0fa129d40632f45a6b0581f650
version: public(uint256)  # raised by every transaction that changes state
private_root: public(bytes32)  # commitment of the nodes to the private state
has_salary: public(HashMap[address, bool])                        # salaries.enig:5
_people: DynArray[address, 1000]                                  # salaries.enig:6


# ---- Events

event Requested:
    job: indexed(uint256)
    sender: indexed(address)
    function: bytes32
    arguments: Bytes[160]

event Joined:
    who: address
    total: uint32


# ---- Init

@deploy
def __init__(hub: address, committee: uint256):
    HUB = Hub(hub)
    CREATOR = msg.sender
    extcall Hub(hub).attach(committee, PLAN_HASH)


# ---- Jobs: requested by a caller, fulfilled with what the nodes attest

@external
@payable
@nonreentrant
def request_join(inputs: Bytes[8], mask: uint256, fee: uint256) -> uint256:  # salaries.enig:10
    payment: uint256 = 0
    assert len(inputs) == 8, "inputs"
    assert msg.sender not in self._people, "already joined"       # salaries.enig:11
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Salaries.join"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Salaries.join"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_join(                                                  # salaries.enig:10
        job: uint256,
        requester: address,
        payment: uint256,
        inputs: Bytes[8],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 1],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
):
    arguments: bytes32 = keccak256(abi_encode(requester, payment, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Salaries.join"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 0, "words"
    assert len(inputs) == 8, "inputs"
    assert requester not in self._people, "already joined"        # salaries.enig:11
    self.has_salary[requester] = True                             # salaries.enig:12
    self._people.append(requester)                                # salaries.enig:13
    log Joined(who=requester, total=convert(len(self._people), uint32))  # salaries.enig:14


@external
@payable
@nonreentrant
def request_average(inputs: Bytes[1], mask: uint256, fee: uint256) -> uint256:  # salaries.enig:16
    payment: uint256 = 0
    assert len(inputs) == 0, "inputs"
    assert len(self._people) >= 3, "too few people to hide among"  # salaries.enig:17
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Salaries.average"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Salaries.average"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_average(                                               # salaries.enig:16
        job: uint256,
        requester: address,
        payment: uint256,
        inputs: Bytes[1],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 1],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
) -> uint32:
    arguments: bytes32 = keccak256(abi_encode(requester, payment, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Salaries.average"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 1, "words"
    assert len(inputs) == 0, "inputs"
    assert len(self._people) >= 3, "too few people to hide among"  # salaries.enig:17
    return convert(convert(words[0], uint256), uint32)            # salaries.enig:18


@external
@payable
@nonreentrant
def request_my_rank(inputs: Bytes[1], mask: uint256, fee: uint256) -> uint256:  # salaries.enig:20
    payment: uint256 = 0
    assert len(inputs) == 0, "inputs"
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Salaries.my_rank"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Salaries.my_rank"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_my_rank(                                               # salaries.enig:20
        job: uint256,
        requester: address,
        payment: uint256,
        inputs: Bytes[1],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 1],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
):
    arguments: bytes32 = keccak256(abi_encode(requester, payment, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Salaries.my_rank"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 0, "words"
    assert len(inputs) == 0, "inputs"


@internal
@payable
def _open(function: bytes32, arguments: bytes32, payment: uint256, fee: uint256) -> uint256:
    assert msg.value == payment + fee, "this function takes no payment beyond its fee"
    return extcall HUB.open(function, arguments, msg.sender, payment, value=msg.value)


@internal
def _settle(
        job: uint256, function: bytes32, arguments: bytes32, version: uint256, revealed: bytes32, root: bytes32,
        work: Work, signatures: DynArray[Signature, 31]
):
    assert version == self.version, "stale version"
    extcall HUB.settle(job, function, arguments, version, revealed, root, work, signatures)


@external
@nonreentrant
def report_failure(
        job: uint256, function: bytes32, arguments: bytes32, version: uint256, error: String[256],
        work: Work, signatures: DynArray[Signature, 31]
):
    assert version == self.version, "stale version"
    extcall HUB.settle_failure(job, function, arguments, version, error, work, signatures)


@external
@payable
def __default__():
    """
    @notice Payments of jobs come from the hub, and from nobody else.
    """
    assert msg.sender == HUB.address, "only the hub pays in"


# ---- Getters: state as the language has it

@external
@view
def people() -> DynArray[address, 1000]:                          # salaries.enig:6
    return self._people
