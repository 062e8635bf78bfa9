"""Ethereum's forms, against published vectors and eth_account as oracle."""

import pickle

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.ethereum import rlp
from enigmalang.ethereum.hashing import address_of, checksummed, keccak256
from enigmalang.ethereum.keys import ORDER, Signature, SigningKey, recover
from enigmalang.ethereum.transactions import Transaction, created_address, sign_transaction

SECRETS = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32)
WEI = st.integers(0, 2**128)


def test_keccak():
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"transfer(address,uint256)")[:4].hex() == "a9059cbb"


@pytest.mark.parametrize("address", [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
])
def test_capitals_of_eip_55(address):
    assert checksummed(address.lower()) == address


@pytest.mark.parametrize(("item", "encoded"), [
    (b"dog", "83646f67"), ([b"cat", b"dog"], "c88363617483646f67"), (b"", "80"), ([], "c0"), (0, "80"), (15, "0f"),
    (1024, "820400"), ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"), (b"\x00", "00"),
    (b"Lorem ipsum dolor sit amet, consectetur adipisicing elit",
     "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c69"
     "74"),
])
def test_rlp(item, encoded):
    assert rlp.encode(item).hex() == encoded


def test_rlp_refuses_what_it_has_no_form_for():
    with pytest.raises(TypeError):
        rlp.encode(1.5)
    with pytest.raises(OverflowError):
        rlp.encode(-1)


@given(SECRETS)
def test_addresses(secret):
    assert SigningKey(secret).address == Account.from_key(secret).address.lower()


@given(SECRETS, DIGESTS)
def test_signatures(secret, digest):
    key = SigningKey(secret)
    signature = key.sign(digest)
    theirs = Account.unsafe_sign_hash(digest, secret)
    assert (signature.r, signature.s, signature.v) == (theirs.r, theirs.s, theirs.v)
    assert recover(digest, signature) == key.address
    assert signature.to_bytes() == bytes(theirs.signature)


def test_a_signature_has_one_form():
    key, digest = SigningKey.generate(), keccak256(b"text")
    signature = key.sign(digest)
    other = Signature(signature.r, ORDER - signature.s, 55 - signature.v)
    assert recover(digest, other) is None
    assert recover(keccak256(b"other"), signature) != key.address
    for bad in (Signature(0, 1, 27), Signature(1, 0, 27), Signature(signature.r, signature.s, 29),
                Signature(5, 1, 27), Signature(ORDER, 1, 27)):
        assert recover(digest, bad) is None or bad.r == 5


@given(SECRETS, st.integers(1, 2**53), st.integers(0, 2**63), WEI, WEI, st.integers(21_000, 2**40),
       st.one_of(st.none(), st.binary(min_size=20, max_size=20)), WEI, st.binary(max_size=200))
def test_transactions(secret, chain, nonce, max_fee, tip, gas, to, value, data):
    address = None if to is None else "0x" + to.hex()
    ours = sign_transaction(Transaction(chain, nonce, max_fee, tip, gas, address, value, data), SigningKey(secret))
    theirs = Account.sign_transaction({
        "type": 2, "chainId": chain, "nonce": nonce, "maxFeePerGas": max_fee, "maxPriorityFeePerGas": tip, "gas": gas,
        "to": b"" if to is None else checksummed(address), "value": value, "data": data,
    }, secret)
    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == "0x" + bytes(theirs.hash).hex()


def test_addresses_of_contracts():
    creator = "0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"
    assert [created_address(creator, nonce) for nonce in range(2)] == [
        "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8",
    ]


@pytest.mark.parametrize("secret", [b"", b"\0" * 32, b"\xff" * 32, ORDER.to_bytes(32, "big"), b"\1" * 31])
def test_what_is_no_key(secret):
    with pytest.raises(ValueError, match="private key") as caught:
        SigningKey(secret)
    assert secret.hex() not in str(caught.value) or not secret


def test_a_key_does_not_leak():
    key = SigningKey.generate()
    assert key.reveal().hex() not in repr(key) + str(key)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        key.sign(b"short")


def test_public_keys():
    with pytest.raises(ValueError, match="64 bytes"):
        address_of(b"\2" * 33)
