# pragma version 0.4.3
# Generated from battleship.enig by EnigmaLang: change that file, not this one.
"""
@title Battleship
@notice Battleship: the public part of a private contract.
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
PLAN_HASH: public(constant(bytes32)) = 0x3c5e04ff78c0661ed015f7ab33f3a055f21486da4e14644e37eab556b3f75647
version: public(uint256)  # raised by every transaction that changes state
private_root: public(bytes32)  # commitment of the nodes to the private state
has_board: public(HashMap[address, bool])                         # battleship.enig:9
_players: DynArray[address, 2]                                    # battleship.enig:10
turn: public(uint8)                                               # battleship.enig:11
hits: public(HashMap[address, uint8])                             # battleship.enig:12


# ---- Events

event Requested:
    job: indexed(uint256)
    sender: indexed(address)
    function: bytes32
    arguments: Bytes[384]

event Shot:
    by: address
    row: uint8
    column: uint8
    hit: bool


# ---- Init

@deploy
def __init__(hub: address, committee: uint256):
    HUB = Hub(hub)
    CREATOR = msg.sender
    extcall Hub(hub).attach(committee, PLAN_HASH)


# ---- Functions

@external
@view
def won(who: address) -> bool:                                    # battleship.enig:35
    return self.hits[who] == 4                                    # battleship.enig:36


# ---- Jobs: requested by a caller, fulfilled with what the nodes attest

@external
@payable
@nonreentrant
def request_place(inputs: Bytes[128], mask: uint256, fee: uint256) -> uint256:  # battleship.enig:16
    payment: uint256 = 0
    assert len(inputs) == 128, "inputs"
    assert len(self._players) < 2, "the game is full"             # battleship.enig:17
    assert msg.sender not in self._players, "already placed"      # battleship.enig:18
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, inputs, mask))
    job: uint256 = self._open(keccak256("Battleship.place"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Battleship.place"), arguments=abi_encode(inputs, mask))
    return job


@external
@nonreentrant
def fulfil_place(                                                 # battleship.enig:16
        job: uint256,
        requester: address,
        payment: uint256,
        inputs: Bytes[128],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 1],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
):
    arguments: bytes32 = keccak256(abi_encode(requester, payment, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Battleship.place"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 1, "words"
    assert len(inputs) == 128, "inputs"
    assert len(self._players) < 2, "the game is full"             # battleship.enig:17
    assert requester not in self._players, "already placed"       # battleship.enig:18
    assert words[0] != 0, "place exactly four ships"              # battleship.enig:19
    self.has_board[requester] = True                              # battleship.enig:20
    self._players.append(requester)                               # battleship.enig:21


@external
@payable
@nonreentrant
def request_shoot(row: uint8, column: uint8, inputs: Bytes[1], mask: uint256, fee: uint256) -> uint256:  # battleship.enig:23
    payment: uint256 = 0
    assert len(inputs) == 0, "inputs"                             # battleship.enig:23
    assert len(self._players) == 2, "wait for the other player"   # battleship.enig:24
    assert msg.sender == self._players[self.turn], "not your turn"  # battleship.enig:25
    assert self.hits[msg.sender] < 4, "the game is over"          # battleship.enig:26
    arguments: bytes32 = keccak256(abi_encode(msg.sender, payment, row, column, inputs, mask))
    job: uint256 = self._open(keccak256("Battleship.shoot"), arguments, payment, fee)
    log Requested(job=job, sender=msg.sender, function=keccak256("Battleship.shoot"), arguments=abi_encode(row, column, inputs, mask))
    return job


@external
@nonreentrant
def fulfil_shoot(                                                 # battleship.enig:23
        job: uint256,
        requester: address,
        payment: uint256,
        row: uint8,
        column: uint8,
        inputs: Bytes[1],
        mask: uint256,
        version: uint256,
        words: DynArray[int256, 1],
        root: bytes32,
        work: Work,
        signatures: DynArray[Signature, 31]
) -> bool:
    arguments: bytes32 = keccak256(abi_encode(requester, payment, row, column, inputs, mask))
    revealed: bytes32 = keccak256(slice(abi_encode(words), 64, 32 * len(words)))
    self._settle(job, keccak256("Battleship.shoot"), arguments, version, revealed, root, work, signatures)
    self.private_root = root
    self.version = version + 1
    assert len(words) == 1, "words"
    assert len(inputs) == 0, "inputs"                             # battleship.enig:23
    assert len(self._players) == 2, "wait for the other player"   # battleship.enig:24
    assert requester == self._players[self.turn], "not your turn"  # battleship.enig:25
    assert self.hits[requester] < 4, "the game is over"           # battleship.enig:26
    hit: bool = words[0] != 0                                     # battleship.enig:28
    if hit:                                                       # battleship.enig:29
        self.hits[requester] += 1                                 # battleship.enig:30
    self.turn = 1 - self.turn                                     # battleship.enig:31
    log Shot(by=requester, row=row, column=column, hit=hit)       # battleship.enig:32
    return hit                                                    # battleship.enig:33


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
def players() -> DynArray[address, 2]:                            # battleship.enig:10
    return self._players
