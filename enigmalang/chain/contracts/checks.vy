# pragma version 0.4.3
"""
@title Refusals with a text
@notice `assert condition, text` takes some 110 bytes of code each time, and there are more than sixty: one function for
        all keeps the hub within what a contract may have (EIP-170), at no cost to those who are not refused.
"""


@internal
@pure
def refuse(text: String[64]):
    """
    @dev Undo everything, and say why.
    """
    raise text
