"""The digests in Python are eth_account's, and signatures come back to who made them."""

import pytest
from actors import FUNCTION, NOTHING, WORK, actor
from eth_account.messages import encode_typed_data
from machine import CHAIN

from enigmalang.chain import digests as d
from enigmalang.ethereum.keys import ORDER

HUB, CONTRACT, NODE = (actor(name).address for name in ("hub", "contract", "node"))
DOMAIN = d.Domain(CHAIN, HUB)
CALL = d.Call(CONTRACT, 4, 7, FUNCTION, d.keccak(b"arguments"))
REVEALED, ROOT, REASON = d.keccak(b"revealed"), d.keccak(b"root"), d.keccak(b"reason")
CASES = {
    d.RESULT: (d.result_digest(DOMAIN, CALL, 3, REVEALED, ROOT, WORK),
               {"contract": CONTRACT, "committee": 4, "job": 7, "function": FUNCTION,
                "arguments": CALL.arguments, "version": 3,
                "revealed": REVEALED, "root": ROOT, "rounds": 10, "products": 100, "additions": 1000}),
    d.FAILURE: (d.failure_digest(DOMAIN, CALL, 3, "wrong", WORK),
                {"contract": CONTRACT, "committee": 4, "job": 7, "function": FUNCTION,
                "arguments": CALL.arguments, "version": 3,
                 "error": d.keccak(b"wrong"), "rounds": 10, "products": 100, "additions": 1000}),
    d.ACCUSATION: (d.accusation_digest(DOMAIN, 7, NODE, REASON), {"job": 7, "accused": NODE, "reason": REASON}),
    d.CONSENT: (d.consent_digest(DOMAIN, [NODE, CONTRACT], 1, NOTHING, 99, 5),
                {"members": [NODE, CONTRACT], "threshold": 1, "salt": NOTHING, "until": 99, "rotation": 5}),
    d.HANDOVER: (d.handover_digest(DOMAIN, CONTRACT, 4, 6, ROOT, 8, REASON),
                 {"contract": CONTRACT, "committee": 4, "successor": 6, "consent": ROOT, "settled": 8,
                  "run": REASON}),
}


@pytest.mark.parametrize("type", CASES)
def test_eip_712(type: str):
    ours, message = CASES[type]
    name, fields = type[:-1].split("(")
    types = {name: [dict(zip(("type", "name"), field.split(), strict=True)) for field in fields.split(",")]}
    domain = {"name": "EnigmaLang", "version": "1", "chainId": CHAIN, "verifyingContract": HUB}
    theirs = encode_typed_data(domain, types, message)
    assert ours == d.keccak(b"\x19" + theirs.version + theirs.header + theirs.body)


def test_who_signed():
    node = actor("node")
    digest = d.keccak(b"something")
    made = d.sign(digest, node.key)
    assert d.signer(digest, made) == node.address
    assert d.signer(d.keccak(b"else"), made) != node.address
    other = d.Signature(made.r, (ORDER - int.from_bytes(made.s, "big")).to_bytes(32, "big"), 55 - made.v)
    assert d.signer(digest, other) is None
    assert d.signer(digest, d.Signature(made.r, made.s, 29)) is None
    assert d.signer(digest, d.Signature(b"\xff" * 32, made.s, 27)) is None


def test_keys_of_the_log_tell_kinds_apart():
    parts: list[list[d.KeyPart]] = [[1], [True], ["1"], [b"1"], [1, 1], [-1], [2**256 - 1], ["1", 1], [1, "1"]]
    keys = [d.log_key(p) for p in parts] + [d.log_key_of([d.address_component(NODE)])]
    assert len(set(keys)) == len(parts)  # -1 and 2^256 - 1 are the same word
    assert d.log_key([-1]) == d.log_key([2**256 - 1])


def test_revealed_words_are_two_s_complement():
    assert d.revealed_digest([1, -1]) == d.keccak(bytes(31) + b"\1" + b"\xff" * 32)


def test_long_kinds_are_hashed():
    assert d.kind_text("int256") == "int256"
    assert d.kind_text("x" * 64) == "x" * 64
    assert d.kind_text("x" * 65) == d.keccak(b"x" * 65).hex()


def test_what_members_sign_together():
    target, data = actor("target").address, b"data"
    ours = d.execute_digest(DOMAIN, target, data, 5, 6)
    fields = [{"name": n, "type": t} for t, n in (f.split() for f in d.EXECUTE[8:-1].split(","))]
    domain = {"name": "EnigmaLang", "version": "1", "chainId": CHAIN, "verifyingContract": HUB}
    theirs = encode_typed_data(domain, {"Execute": fields}, {
        "target": target, "data": d.keccak(data), "amount": 5, "nonce": 6})
    assert ours == d.keccak(b"\x19" + theirs.version + theirs.header + theirs.body)
