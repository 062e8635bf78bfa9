"""Reading why code reverted: the data that the EVM returns, and the errors by which nodes tell of it."""

from typing import Any

from enigmalang.chain.errors import ChainError, Revert, Reverted, RpcError, TransactionRefused

#: Selectors of Error(string) and Panic(uint256).
ERROR, PANIC = bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")
#: Solidity's and Vyper's panics (Solidity documentation, "Panic via assert and Error via require").
PANICS = {
    0x01: "an assertion failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "a value that its enum does not have",
    0x31: "taken from an empty list",
    0x32: "index out of bounds",
    0x41: "out of memory",
    0x51: "a function that was never set",
}
#: JSON-RPC's code of a revert (EIP-1474's successors: geth, anvil and others).
REVERT_CODE = 3
#: JSON-RPC's code of a transaction that was rejected (EIP-1474).
REFUSED_CODE = -32003
#: The code of a fault of the embedded chain: what EIP-1474 leaves to the server.
FAULT_CODE = -32015
#: What nodes and py-evm call the faults of the machine -> what we call them.
_FAULTS = {
    "out of gas: not enough": "", "out of gas": "out of gas", "outofgas": "out of gas",
    "invalid opcode": "invalid instruction", "invalid instruction": "invalid instruction",
    "invalidfeopcode": "invalid instruction", "opcodenotfound": "invalid instruction",
    "invalid jump": "invalid jump", "invalidjump": "invalid jump",
    "stack underflow": "stack underflow", "stackunderflow": "stack underflow", "insufficient stack": "stack underflow",
    "stack overflow": "stack overflow", "stackoverflow": "stack overflow", "full stack": "stack overflow",
    "write protection": "a change in a view", "statechangeduringstaticcall": "a change in a view",
}
_REVERTED = ("execution reverted", "vm exception", "transaction reverted", "reverted")
_REFUSED = (
    "insufficient funds", "nonce too", "nonce is too", "intrinsic gas", "underpriced", "exceeds block gas",
    "max fee per gas less", "gas limit", "already known", "already imported", "out of gas: not enough for",
)


def read_revert(data: bytes) -> Revert:
    """What `data`, returned by code that reverted, says."""
    if not data:
        return Revert("empty", "execution reverted without a reason")
    if data[:4] == ERROR and (text := _text(data[4:])) is not None:
        return Revert("error", text, data)
    if data[:4] == PANIC and len(data) == 36:
        number = int.from_bytes(data[4:], "big")
        return Revert("panic", PANICS.get(number, f"panic {number:#x}"), data, number)
    return Revert("custom", f"execution reverted with error 0x{data[:4].hex()}", data)


def _text(body: bytes) -> str | None:
    """The one string that `body` encodes; None when it is not the encoding of one."""
    if len(body) < 64:
        return None
    start = int.from_bytes(body[:32], "big")
    if start + 32 > len(body):
        return None
    length = int.from_bytes(body[start:start + 32], "big")
    raw = body[start + 32:start + 32 + length]
    return raw.decode("utf-8", errors="replace") if len(raw) == length else None


def normalised(error: RpcError, hash: str | None = None) -> ChainError:
    """`error` as `Reverted` or `TransactionRefused` where it is one, else itself."""
    message = error.message.lower()
    data = _data(error.data)
    if data is not None and (data or error.code == REVERT_CODE):
        return Reverted(read_revert(data), hash)
    fault = next((name for sign, name in _FAULTS.items() if sign in message), "")
    if fault or error.code == FAULT_CODE:
        return Reverted(Revert("fault", fault or error.message), hash)
    if error.code == REFUSED_CODE or any(sign in message for sign in _REFUSED):
        return TransactionRefused(error.message)
    if error.code == REVERT_CODE or any(sign in message for sign in _REVERTED):
        return Reverted(read_revert(b""), hash)
    return error


def _data(data: Any) -> bytes | None:
    """The bytes that a node put beside an error: hex text, or an object that has it as its data."""
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str) or not data.startswith("0x"):
        return None
    try:
        return bytes.fromhex(data[2:])
    except ValueError:
        return None
