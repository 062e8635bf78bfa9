# pragma version 0.4.3
# Generated from auction.enig by EnigmaLang: change that file, not this one.
"""
@title Auction
@notice Auction: the public part of a private contract.
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
PLAN_HASH: public(constant(bytes32)) = 0x54040828f81b6f080809e933f1484dfa29801707de277d0c21d47518a0d3016f
version: public(uint256)  # raised by every transaction that changes state
private_root: public(bytes32)  # commitment of the nodes to the private state
has_bids: public(HashMap[address, bool])                          # auction.enig:7
_bidders: DynArray[address, 50]                                   # auction.enig:8
closed: public(bool)                                              # auction.enig:9
winner: public(address)                                           # auction.enig:10
price: public(uint32)                                             # auction.enig:11


# ---- Events

event Requested:
    job: indexed(uint256)
    sender: indexed(address)
    function: bytes32
    arguments: Bytes[160]

event Sold:
    winner: address
    price: uint32


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
def request_bid(inputs: Bytes[8], mask: uint256, fee: uint256) -> uint256:  # auction.enig:15
    payment: uint256 = 0
    assert len(inputs) == 8, "inputs"
    assert not self.closed, "the auction is over"                 # auction.enig:16
    assert msg.sender not in self._bidders, "one bid each"        # auction.enig:17
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Auction.bid"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Auction.bid"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_bid(                                                   # auction.enig:15
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
    self._settle(job, keccak256("Auction.bid"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 0, "words"
    assert len(inputs) == 8, "inputs"
    assert not self.closed, "the auction is over"                 # auction.enig:16
    assert requester not in self._bidders, "one bid each"         # auction.enig:17
    self.has_bids[requester] = True                               # auction.enig:18
    self._bidders.append(requester)                               # auction.enig:19


@external
@payable
@nonreentrant
def request_close(inputs: Bytes[1], mask: uint256, fee: uint256) -> uint256:  # auction.enig:21
    """@notice Ends the auction. The first of several equal highest bids wins."""
    payment: uint256 = 0
    assert len(inputs) == 0, "inputs"
    assert not self.closed, "the auction is over"                 # auction.enig:23
    assert len(self._bidders) >= 2, "no second price without a second bid"  # auction.enig:24
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Auction.close"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Auction.close"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_close(                                                 # auction.enig:21
        job: uint256,
        requester: address,
        payment: uint256,
        inputs: Bytes[1],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 2],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
):
    """@notice Ends the auction. The first of several equal highest bids wins."""
    arguments: bytes32 = keccak256(abi_encode(requester, payment, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Auction.close"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 2, "words"
    assert len(inputs) == 0, "inputs"
    assert not self.closed, "the auction is over"                 # auction.enig:23
    assert len(self._bidders) >= 2, "no second price without a second bid"  # auction.enig:24
    self.winner = self._bidders[convert(words[0], uint256)]       # auction.enig:26
    self.price = convert(words[1], uint32)                        # auction.enig:27
    self.closed = True                                            # auction.enig:28
    log Sold(winner=self.winner, price=self.price)                # auction.enig:29


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
def bidders() -> DynArray[address, 50]:                           # auction.enig:8
    return self._bidders
