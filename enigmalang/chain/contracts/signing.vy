# pragma version 0.4.3
"""
@title Digests that are signed for the hub (EIP-712)
@notice Each names the chain, the hub and what it is about. enigmalang/chain/digests.py has the same.
"""

import checks

struct Signature:
    r: bytes32
    s: bytes32
    v: uint256

struct Work:
    rounds: uint256
    products: uint256
    additions: uint256


DOMAIN: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
RESULT: constant(bytes32) = keccak256(
    "Result(address contract,uint256 committee,uint256 job,bytes32 function,bytes32 arguments,uint256 version,bytes32 revealed,bytes32 root,uint256 rounds,uint256 products,uint256 additions)"
)
FAILURE: constant(bytes32) = keccak256(
    "Failure(address contract,uint256 committee,uint256 job,bytes32 function,bytes32 arguments,uint256 version,bytes32 error,uint256 rounds,uint256 products,uint256 additions)"
)
ACCUSATION: constant(bytes32) = keccak256("Accusation(uint256 job,address accused,bytes32 reason)")
CONSENT: constant(bytes32) = keccak256(
    "Consent(address[] members,uint256 threshold,bytes32 salt,uint256 until,uint256 rotation)"
)
HANDOVER: constant(bytes32) = keccak256(
    "Handover(address contract,uint256 committee,uint256 successor,bytes32 consent,uint256 settled,bytes32 run)"
)
NAME: constant(bytes32) = keccak256("EnigmaLang")
VERSION: constant(bytes32) = keccak256("1")
# Half of secp256k1's order: with greater s, everybody could make a second signature from a first (EIP-2).
HALF: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@external
@view
def domain() -> bytes32:
    """
    @notice The EIP-712 domain separator.
    """
    return self._domain()


@internal
@view
def _domain() -> bytes32:
    # Not kept from deployment: after a fork of the chain the other branch has another id.
    return keccak256(abi_encode(DOMAIN, NAME, VERSION, chain.id, self))


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(concat(x"1901", self._domain(), struct_hash))


@internal
@view
def _result(contract: address, committee: uint256, job: uint256, function: bytes32, arguments: bytes32,
            version: uint256, revealed: bytes32, root: bytes32, work: Work) -> bytes32:
    return self._digest(keccak256(abi_encode(
        RESULT, contract, committee, job, function, arguments, version, revealed, root, work
    )))


@internal
@view
def _failure(contract: address, committee: uint256, job: uint256, function: bytes32, arguments: bytes32,
             version: uint256, error: bytes32, work: Work) -> bytes32:
    return self._digest(keccak256(abi_encode(
        FAILURE, contract, committee, job, function, arguments, version, error, work
    )))


@internal
@view
def _accusation(job: uint256, accused: address, reason: bytes32) -> bytes32:
    return self._digest(keccak256(abi_encode(ACCUSATION, job, accused, reason)))


@internal
@view
def _handover(contract: address, committee: uint256, successor: uint256, consent: bytes32, settled: uint256,
              run: bytes32) -> bytes32:
    return self._digest(keccak256(abi_encode(HANDOVER, contract, committee, successor, consent, settled, run)))


@internal
@view
def _consent(members: DynArray[address, 31], threshold: uint256, salt: bytes32, until: uint256, rotation: uint256
             ) -> bytes32:
    # An array is hashed without the offset and the length that abi_encode puts in front.
    encoded: Bytes[32 * 33] = abi_encode(members)
    listed: bytes32 = keccak256(slice(encoded, 64, 32 * len(members)))
    return self._digest(keccak256(abi_encode(CONSENT, listed, threshold, salt, until, rotation)))


@internal
@pure
def _signer(digest: bytes32, signature: Signature) -> address:
    """
    @dev The zero address for what is no signature; nobody is registered there.
    """
    if convert(signature.s, uint256) > HALF:
        checks.refuse("malleable signature")
    return ecrecover(digest, signature.v, signature.r, signature.s)
