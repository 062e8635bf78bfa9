"""What nodes tell clients of a ledger through an operator whom neither need trust.

A node encrypts what it tells of a mask to the client's key, and signs it with the key it has on the hub: the operator
can neither read a mask nor hand out one of his own, and a mask that was drawn for another key is noticed. So are the
sealed pieces of private results.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from enigmalang.chain.digests import Domain, keccak
from enigmalang.circuits.circuit import Array
from enigmalang.ethereum.keys import Signature, recover
from enigmalang.ethereum.words import address_word, number_word
from enigmalang.mpc.outputs import decrypt
from enigmalang.node.masking import MaskError, Slot, mask_numbers
from enigmalang.sharing import structure
from enigmalang.sharing.faults import SharingError
from enigmalang.wire import messages as msg

#: Bytes of a client's nonce.
NONCE = 32
#: Bits of a mask's number.
_NUMBER = 64
#: Why a job fails whose inputs were masked by a committee that did not hand the mask on: ask for another one.
VOID = "the inputs' mask is void: another committee serves the contract by now"
_TOLD, _DELIVERED = b"enigmalang mask", b"enigmalang delivery"


def mask_name(committee: int, number: int) -> int:
    """What clients and the chain call mask `number` of a committee of the hub: what one committee drew is never taken
    for what another one did. `number` alone for nodes that serve as one committee for ever (0)."""
    return committee << _NUMBER | number


def split_mask(name: int) -> tuple[int, int]:
    """The inverse of `mask_name`."""
    return name >> _NUMBER, name & ((1 << _NUMBER) - 1)


def told_digest(domain: Domain, mask: int, size: int, owner: str, receiver: bytes, message: bytes, nonce: bytes = b""
                ) -> bytes:
    """What a node signs when it tells `receiver` (an X25519 key) of mask `mask` in `message`: 32 bytes. `nonce`: the
    client's own for this question, so that no answer to an earlier one can be given again."""
    return keccak(keccak(_TOLD) + domain.separator + number_word(mask) + number_word(size)
                  + address_word(owner) + keccak(receiver) + keccak(message) + keccak(nonce))


def delivered_digest(domain: Domain, job: int, results: Sequence[msg.Parcel], parcels: Sequence[msg.Parcel]) -> bytes:
    """What a node signs with the private results of a job: 32 bytes."""
    hashed = b"".join(keccak(b"".join(map(_parcel, each))) for each in (results, parcels))
    return keccak(keccak(_DELIVERED) + domain.separator + number_word(job) + hashed)


def _parcel(parcel: msg.Parcel) -> bytes:
    shape = b"".join(map(number_word, parcel.shape))
    return keccak(keccak(parcel.receiver.encode()) + keccak(shape) + bytes([parcel.bits, parcel.truth])
                  + keccak(parcel.piece))


def read_signature(data: bytes) -> Signature | None:
    """65 bytes: r, s, v. None for another number of them."""
    if len(data) != 65:
        return None
    return Signature(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:64], "big"), data[64])


def signed_by(digest: bytes, data: bytes) -> str | None:
    """The address whose signature of `digest` the 65 bytes `data` are; None for no signature."""
    signature = read_signature(data)
    return recover(digest, signature) if signature is not None else None


def unhex(text: Any) -> bytes:
    """Bytes from 0x-hex in JSON. Raises ValueError for anything else."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError("no 0x-hex")
    return bytes.fromhex(text[2:])


# ---- at the client


def open_told(answer: Mapping[str, Any], private_key: bytes, field: str, size: int, owner: str, members: Sequence[str],
              threshold: int, domain: Domain, nonce: bytes = b"") -> tuple[int, Array]:
    """What `enigma_reserve` answered: the mask's name and its values, flat integers. `members`: the committee's
    addresses on the hub, in order. Raises MaskError when it is not what all of them told this key, asked with `nonce`.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    receiver = X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()
    shape = structure(len(members), threshold)
    messages: dict[int, bytes] = {}
    for node, address in enumerate(members, 1):
        try:
            number = int(answer["mask"])
            message, signature = unhex(answer["told"][str(node)]), unhex(answer["signed"][str(node)])
            digest = told_digest(domain, number, size, owner, receiver, message, nonce)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise MaskError((node,), f"nothing that can be read came from node {node} ({error})") from None
        if signed_by(digest, signature) != address.lower():
            raise MaskError((node,), f"node {node} did not sign the mask that came in its name")
        try:
            messages[node] = decrypt(private_key, node, message)
        except SharingError as error:
            raise MaskError((node,), str(error)) from None
    return number, mask_numbers(Slot((size,), False), field, shape, messages)


def read_parcels(answer: Mapping[str, Any], job: int, members: Sequence[str], domain: Domain
                 ) -> tuple[list[list[msg.Parcel]], list[list[msg.Parcel]]]:
    """What `enigma_result` answered: by node, the pieces of the caller's private results, and of what is for others.
    Raises MaskError when they are not what the members of the committee signed.
    """
    results, parcels = [], []
    for node, address in enumerate(members, 1):
        try:
            own, others = ([_read(p) for p in answer[kind][str(node)]] for kind in ("results", "parcels"))
            signature = unhex(answer["signed"][str(node)])
            digest = delivered_digest(domain, job, own, others)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise MaskError((node,), f"nothing that can be read came from node {node} ({error})") from None
        if signed_by(digest, signature) != address.lower():
            raise MaskError((node,), f"node {node} did not sign the results that came in its name")
        results.append(own)
        parcels.append(others)
    return results, parcels


def _read(parcel: Mapping[str, Any]) -> msg.Parcel:
    return msg.Parcel(str(parcel["receiver"]), [int(n) for n in parcel["shape"]], bool(parcel["bits"]),
                      bool(parcel["truth"]), unhex(parcel["piece"]))


def written(parcel: msg.Parcel) -> dict[str, Any]:
    """A parcel as JSON."""
    return {"receiver": parcel.receiver, "shape": list(parcel.shape), "bits": parcel.bits, "truth": parcel.truth,
            "piece": "0x" + parcel.piece.hex()}
