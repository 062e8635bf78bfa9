# pragma version 0.4.3
"""
@title Account of a shared identity
@notice Holds what the identity owns and acts under its address, for whoever its policies in the hub let. The hub
        makes a minimal proxy of this contract for each identity; money may be sent to it by anyone.
"""

interface Hub:
    def may(who: address, owner: address, action: String[32], key: bytes32) -> bool: view

event Executed:
    who: indexed(address)
    target: indexed(address)
    amount: uint256


HUB: public(immutable(address))


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
    assert staticcall Hub(HUB).may(msg.sender, self, "act", empty(bytes32)), "not permitted"
    log Executed(who=msg.sender, target=target, amount=amount)
    return raw_call(target, data, max_outsize=8192, value=amount)


@external
@payable
def __default__():
    pass
