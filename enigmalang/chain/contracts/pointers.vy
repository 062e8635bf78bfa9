# pragma version 0.4.3
"""
@title Pointers to data that is not on the chain
@notice Of a key of DHT or MPC: who owns it, a commitment to the data, and the rule that says who else may. Data is
        read or computed with by whom the rule lets; nodes ask `may_data`, and record whom they refused.
"""

import checks
import identities
import nodes

uses: identities
uses: nodes

event Pointed:
    db: indexed(uint8)
    key: indexed(bytes32)
    owner: indexed(address)
    commitment: bytes32
    rule: bytes32

event Refused:
    db: indexed(uint8)
    key: indexed(bytes32)
    who: indexed(address)
    action: String[32]
    node: address


struct Pointer:
    owner: address
    commitment: bytes32
    rule: bytes32


DHT: constant(uint8) = 1
MPC: constant(uint8) = 2

pointers: HashMap[uint8, HashMap[bytes32, Pointer]]


@external
@nonreentrant
def point(db: uint8, key: bytes32, commitment: bytes32, rule: bytes32):
    """
    @notice The caller becomes the owner of a key. Anyone may take a free one; another's only those who may act for
            its owner. About 100,000 gas.
    @param db 1 DHT, 2 MPC
    @param rule a declared one
    """
    if db != DHT and db != MPC:
        checks.refuse("no such database")
    identities._assert_declared(rule)
    before: address = self.pointers[db][key].owner
    if before != empty(address):
        if not identities._acts_for(before, msg.sender, [msg.sender], False, 0):
            checks.refuse("the key belongs to another")
    self.pointers[db][key] = Pointer(owner=msg.sender, commitment=commitment, rule=rule)
    log Pointed(db=db, key=key, owner=msg.sender, commitment=commitment, rule=rule)


@external
@nonreentrant
def record_refusal(db: uint8, key: bytes32, who: address, action: String[32]):
    """
    @notice A node tells that it refused `who`. For active nodes, and only if `who` may not.
    """
    if not nodes._is_active(msg.sender):
        checks.refuse("not an active node")
    if self._may_data(db, key, who, [who], action):
        checks.refuse("permitted")
    log Refused(db=db, key=key, who=who, action=action, node=msg.sender)


@external
@view
def pointer(db: uint8, key: bytes32) -> Pointer:
    """
    @notice What is known of a key; all empty if nothing.
    """
    return self.pointers[db][key]


@external
@view
def may(who: address, owner: address, action: String[32], key: bytes32) -> bool:
    """
    @notice Whether `who` may do `action` ("read", "compute", "write", "act", "update") for `owner`: as itself, by
            its policy in a shared identity, or, with a key, by the rule of the owner's data under it.
    """
    if identities._acts_for(owner, who, [who], action == "compute", 0):
        return True
    if key == empty(bytes32):
        return False
    for db: uint8 in [DHT, MPC]:
        if self.pointers[db][key].owner == owner and self._may_data(db, key, who, [who], action):
            return True
    return False


@external
@view
def may_data(who: address, db: uint8, key: bytes32, action: String[32]) -> bool:
    """
    @notice Whether `who` may do `action` with the data under `key`.
    """
    return self._may_data(db, key, who, [who], action)


@external
@view
def may_data_signed(signers: DynArray[address, 31], db: uint8, key: bytes32, action: String[32]) -> bool:
    """
    @notice Likewise, for the first of `signers`; whoever asks has checked that all of them signed.
    """
    if len(signers) == 0:
        checks.refuse("nobody asks")
    return self._may_data(db, key, signers[0], signers, action)


@internal
@view
def _may_data(db: uint8, key: bytes32, who: address, signers: DynArray[address, 31], action: String[32]) -> bool:
    """
    @dev Raw data of MPC is its dealer's alone; a free key can be written, and nothing else.
    """
    owner: address = self.pointers[db][key].owner
    if owner == empty(address):
        return action == "write"
    compute: bool = action == "compute"
    if identities._acts_for(owner, who, signers, compute, 0):
        return True
    if action == "compute" or (action == "read" and db == DHT):
        return identities._decide(self.pointers[db][key].rule, who, signers, owner, compute, 0)
    return False
