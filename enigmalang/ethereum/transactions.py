"""Transactions of type 2 (EIP-1559), signed here so that a private key never reaches a node."""

from dataclasses import dataclass

from enigmalang.ethereum import rlp
from enigmalang.ethereum.hashing import keccak256
from enigmalang.ethereum.keys import SigningKey

_TYPE = b"\x02"


@dataclass(frozen=True, slots=True)
class Transaction:
    """What is signed. `to` None creates a contract whose creation code is `data`."""

    chain_id: int
    nonce: int
    max_fee: int
    tip: int
    gas: int
    to: str | None
    value: int
    data: bytes

    def _fields(self) -> list[object]:
        to = bytes.fromhex(self.to[2:]) if self.to else b""
        return [self.chain_id, self.nonce, self.tip, self.max_fee, self.gas, to, self.value, self.data, []]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: its bytes as a node takes them, and the hash under which it is found."""

    sender: str
    nonce: int
    hash: str
    raw: bytes


def sign_transaction(transaction: Transaction, key: SigningKey) -> Signed:
    """`transaction` with the signature of `key`."""
    fields = transaction._fields()
    signature = key.sign(keccak256(_TYPE + rlp.encode(fields)))
    raw = _TYPE + rlp.encode([*fields, signature.v - 27, signature.r, signature.s])
    return Signed(key.address, transaction.nonce, "0x" + keccak256(raw).hex(), raw)


def created_address(creator: str, nonce: int) -> str:
    """Where the contract lies that `creator` makes with its transaction number `nonce`."""
    return "0x" + keccak256(rlp.encode([bytes.fromhex(creator[2:]), nonce]))[-20:].hex()
