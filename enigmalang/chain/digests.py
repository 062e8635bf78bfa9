"""What is signed for the hub (EIP-712), and how things are named on it. `contracts/Hub.vy` has the same.

EIP-712: https://eips.ethereum.org/EIPS/eip-712. Every digest has the chain, the hub and what it is about, so that no
signature means anything anywhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from enigmalang.ethereum import hashing, keys
from enigmalang.ethereum.words import address_word, number_word

keccak = hashing.keccak256

DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
WORK_FIELDS = "uint256 rounds,uint256 products,uint256 additions"
RESULT = ("Result(address contract,uint256 committee,uint256 job,bytes32 function,bytes32 arguments,uint256 version,"
          f"bytes32 revealed,bytes32 root,{WORK_FIELDS})")
FAILURE = ("Failure(address contract,uint256 committee,uint256 job,bytes32 function,bytes32 arguments,uint256 version,"
           f"bytes32 error,{WORK_FIELDS})")
ACCUSATION = "Accusation(uint256 job,address accused,bytes32 reason)"
CONSENT = "Consent(address[] members,uint256 threshold,bytes32 salt,uint256 until,uint256 rotation)"
HANDOVER = ("Handover(address contract,uint256 committee,uint256 successor,bytes32 consent,uint256 settled,"
            "bytes32 run)")
EXECUTE = "Execute(address target,bytes32 data,uint256 amount,uint256 nonce)"
NAME, VERSION = "EnigmaLang", "1"


@dataclass(frozen=True, slots=True)
class Work:
    """What a job cost its committee: rounds, and products and additions of field elements."""

    rounds: int = 0
    products: int = 0
    additions: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """Of a digest; public. `v` is 27 or 28."""

    r: bytes
    s: bytes
    v: int


@dataclass(frozen=True, slots=True)
class Domain:
    """One hub on one chain."""

    chain: int
    hub: str

    @property
    def separator(self) -> bytes:
        return keccak(keccak(DOMAIN.encode()) + keccak(NAME.encode()) + keccak(VERSION.encode())
                      + number_word(self.chain) + address_word(self.hub))

    def digest(self, struct: bytes) -> bytes:
        return keccak(b"\x19\x01" + self.separator + struct)


@dataclass(frozen=True, slots=True)
class Call:
    """Which job of which contract, the committee that serves it now, and the digests of what it computes on."""

    contract: str
    committee: int
    job: int
    function: bytes
    arguments: bytes

    def words(self) -> bytes:
        return (address_word(self.contract) + number_word(self.committee) + number_word(self.job)
                + _bytes32(self.function) + _bytes32(self.arguments))


def result_digest(domain: Domain, call: Call, version: int, revealed: bytes, root: bytes, work: Work) -> bytes:
    """What nodes sign for `settle`: 32 bytes."""
    return domain.digest(keccak(keccak(RESULT.encode()) + call.words() + number_word(version) + _bytes32(revealed)
                                + _bytes32(root) + _work(work)))


def failure_digest(domain: Domain, call: Call, version: int, error: str, work: Work) -> bytes:
    """What nodes sign for `settle_failure`: 32 bytes."""
    return domain.digest(keccak(keccak(FAILURE.encode()) + call.words() + number_word(version) + keccak(error.encode())
                                + _work(work)))


def accusation_digest(domain: Domain, job: int, accused: str, reason: bytes) -> bytes:
    """What nodes sign for `accuse`: 32 bytes."""
    words = number_word(job) + address_word(accused) + _bytes32(reason)
    return domain.digest(keccak(keccak(ACCUSATION.encode()) + words))


def handover_digest(domain: Domain, contract: str, committee: int, successor: int, consent: bytes, settled: int,
                    run: bytes) -> bytes:
    """What nodes of both committees sign for `reattach`: 32 bytes. `consent` is what the successor's members signed
    when it was formed: after a reorganisation of the chain its number may be that of others."""
    return domain.digest(keccak(keccak(HANDOVER.encode()) + address_word(contract) + number_word(committee)
                                + number_word(successor) + _bytes32(consent) + number_word(settled) + _bytes32(run)))


def consent_digest(domain: Domain, members: Sequence[str], threshold: int, salt: bytes, until: int, rotation: int = 0
                   ) -> bytes:
    """What nodes sign for `form`: 32 bytes."""
    listed = keccak(b"".join(address_word(member) for member in members))
    return domain.digest(keccak(keccak(CONSENT.encode()) + listed + number_word(threshold) + _bytes32(salt)
                                + number_word(until) + number_word(rotation)))


def execute_digest(account: Domain, target: str, data: bytes, amount: int, nonce: int) -> bytes:
    """What members sign for their account's `execute_signed`: 32 bytes. `account`: the domain of the account itself."""
    return account.digest(keccak(keccak(EXECUTE.encode()) + address_word(target) + keccak(data) + number_word(amount)
                                 + number_word(nonce)))


def function_digest(contract: str, function: str) -> bytes:
    return keccak(f"{contract}.{function}".encode())


def revealed_digest(words: Sequence[int]) -> bytes:
    """Of the attested words, each as 32 bytes of two's complement."""
    return keccak(b"".join(word.to_bytes(32, "big", signed=True) for word in words))


def sign(digest: bytes, key: bytes) -> Signature:
    """By the private key `key` (32 bytes); deterministic (RFC 6979), s in the lower half."""
    made = keys.SigningKey(key).sign(digest)
    return Signature(number_word(made.r), number_word(made.s), made.v)


def signer(digest: bytes, signature: Signature) -> str | None:
    """The address that signed, 0x-hex in lower case; None for no valid signature of the lower half."""
    r, s = (int.from_bytes(_bytes32(half), "big") for half in (signature.r, signature.s))
    return keys.recover(digest, keys.Signature(r, s, signature.v))


# ---- keys of `L`

KeyPart = bool | int | str | bytes


def log_key(parts: Sequence[KeyPart]) -> bytes:
    """The key id of `L[parts]`: components are told apart by kind. An address is text of 0x and 40 digits: see
    `log_key_of`, which takes the hashes of components."""
    return log_key_of([component(part) for part in parts])


def log_key_of(components: Sequence[bytes]) -> bytes:
    return keccak(b"".join(components))


def component(part: KeyPart) -> bytes:
    """Of a boolean, an integer or enum, text, or bytes."""
    match part:
        case bool():
            return keccak(b"b" + bytes([part]))
        case int():
            return keccak(b"i" + part.to_bytes(32, "big", signed=part < 0))
        case str():
            return keccak(b"s" + part.encode())
        case bytes():
            return keccak(b"x" + part)


def address_component(address: str) -> bytes:
    return keccak(b"a" + address_word(address)[12:])


def kind_text(type_text: str) -> str:
    """The language type's text as `L` keeps it: longer than 64 bytes, its hash."""
    return type_text if len(type_text.encode()) <= 64 else keccak(type_text.encode()).hex()


# ---- words


def _bytes32(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError(f"32 bytes are needed, not {len(value)}")
    return value


def _work(work: Work) -> bytes:
    return number_word(work.rounds) + number_word(work.products) + number_word(work.additions)
