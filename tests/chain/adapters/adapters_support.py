"""A contract that does what contracts do, and what tests of adapters need besides."""

from functools import cache

import pytest

from enigmalang.chain.anvil import find_anvil, missing
from enigmalang.ethereum.hashing import keccak256

SOURCE = """
event Set:
    who: indexed(address)
    value: uint256

value: public(uint256)

interface Own:
    def descend(depth: uint256): nonpayable

@external
def set(number: uint256):
    assert number != 13, "unlucky"
    assert number != 14
    if number == 15:
        raw_revert(abi_encode(number, method_id=method_id("Strange(uint256)")))
    if number == 16:
        raw_revert(abi_encode(convert(17, uint256), method_id=method_id("Panic(uint256)")))
    assert number != 17, UNREACHABLE
    self.value = number
    log Set(who=msg.sender, value=number)

@external
def clear():
    self.value = 0

@external
@payable
def pay():
    pass

@external
def descend(depth: uint256):
    self.value += 1
    if depth > 0:
        extcall Own(self).descend(depth - 1)

@external
@view
def now() -> (uint256, uint256):
    return block.number, block.timestamp
"""
needs_anvil = pytest.mark.skipif(find_anvil() is None, reason=missing())


@cache
def compiled():
    from vyper import compile_code

    return bytes.fromhex(compile_code(SOURCE, output_formats=["bytecode"])["bytecode"][2:])


def data(signature, *numbers):
    """Calldata for integers and addresses."""
    words = b"".join(int(n, 16).to_bytes(32, "big") if isinstance(n, str) else n.to_bytes(32, "big") for n in numbers)
    return keccak256(signature.encode())[:4] + words
