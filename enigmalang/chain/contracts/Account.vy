# pragma version 0.4.3
"""
@title Account of a shared identity
@notice Holds what the identity owns and acts under its address, for whoever its policies in the hub let. The hub
        makes a minimal proxy of this contract for each identity; money may be sent to it by anyone.
"""

import checks
import signing

interface Hub:
    def may(who: address, owner: address, action: String[32], key: bytes32) -> bool: view
    def policy(identity: address, member: address) -> bytes32: view
    def decide_at(rule: bytes32, who: address, signers: DynArray[address, 31], owner: address, compute: bool,
                  depth: uint256) -> bool: view

event Executed:
    who: indexed(address)
    target: indexed(address)
    amount: uint256


EXECUTE: constant(bytes32) = keccak256("Execute(address target,bytes32 data,uint256 amount,uint256 nonce)")

HUB: public(immutable(address))

# How often members have acted together: what they signed counts once.
nonce: public(uint256)


@deploy
def __init__(hub: address):
    HUB = hub


@external
@payable
@nonreentrant
def execute(target: address, data: Bytes[8192], amount: uint256) -> Bytes[8192]:
    """
    @notice Call `target` with `data` and `amount` wei as the identity. For members whose policy allows "act".
    @return what the call returned
    """
    if not staticcall Hub(HUB).may(msg.sender, self, "act", empty(bytes32)):
        checks.refuse("not permitted")
    log Executed(who=msg.sender, target=target, amount=amount)
    return raw_call(target, data, max_outsize=8192, value=amount)


@external
@payable
@nonreentrant
def execute_signed(target: address, data: Bytes[8192], amount: uint256,
                   signatures: DynArray[signing.Signature, 31]) -> Bytes[8192]:
    """
    @notice Likewise, when several have signed: for a member whose policy asks for more than one ("at_least"). The
            first to sign is the one who acts. Anyone may send it. Through the hub's update_policy, members change
            their policies so.
    @param signatures of Execute with this account's `nonce`, in the EIP-712 domain of this account
    """
    if len(signatures) == 0:
        checks.refuse("nobody signed")
    digest: bytes32 = signing._digest(keccak256(abi_encode(EXECUTE, target, keccak256(data), amount, self.nonce)))
    signers: DynArray[address, 31] = []
    for signature: signing.Signature in signatures:
        who: address = signing._signer(digest, signature)
        if who == empty(address):
            checks.refuse("not a signature")
        signers.append(who)
    policy: bytes32 = staticcall Hub(HUB).policy(self, signers[0])
    if not staticcall Hub(HUB).decide_at(policy, signers[0], signers, signers[0], False, 0):
        checks.refuse("not permitted")
    self.nonce += 1
    log Executed(who=signers[0], target=target, amount=amount)
    return raw_call(target, data, max_outsize=8192, value=amount)


@external
@payable
def __default__():
    pass
