"""Records: what the ledger and the owner's signature vouch for, and nothing else."""

import itertools

import msgspec
import pytest
from storing import (
    ALICE,
    BOB,
    DOMAIN,
    EVE,
    NOW,
    Ledger,
    NoChain,
    Pointer,
    in_the_clear,
    name,
    record_of,
    sealed,
    signed,
)

from enigmalang.dht.canonical import Malformed
from enigmalang.dht.records import (
    MAX_RECORD,
    Record,
    RecordRefused,
    SignedRecord,
    check_bounds,
    decode_record,
    encode_record,
    supersedes,
    verify,
)
from enigmalang.dht.sealing import CLEAR, MOST_READERS, Sealing, Wrap
from enigmalang.ethereum.keys import ORDER

VALUE = sealed(b"the content", [ALICE, BOB])
RECORD = record_of(VALUE, version=3, expires=NOW + 100)
#: Another value for each field.
CHANGED = {
    "db": 2, "key": name("other"), "owner": bytes.fromhex(EVE.address[2:]), "version": 4, "size": RECORD.size + 1,
    "root": name("root"), "sealing": sealed(b"the content", [EVE]).sealing, "rule": name("rule"), "kind": "uint8",
    "expires": NOW + 101,
}


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger()
    made.point(RECORD)
    return made


def test_what_the_owner_signed_and_the_ledger_knows(ledger: Ledger):
    assert verify(signed(RECORD), DOMAIN, ledger, NOW).signed == signed(RECORD)
    assert decode_record(encode_record(signed(RECORD))) == signed(RECORD)


def test_all_fields_are_tried():
    assert set(CHANGED) == set(Record.__struct_fields__)


@pytest.mark.parametrize("field", CHANGED)
def test_every_field_is_signed_and_committed_to(ledger: Ledger, field: str):
    changed = msgspec.structs.replace(RECORD, **{field: CHANGED[field]})
    assert changed.commitment() != RECORD.commitment()
    forged = SignedRecord(changed, signed(RECORD).signature)
    with pytest.raises(RecordRefused):
        verify(forged, DOMAIN, ledger, NOW)
    ledger.pointers[changed.db, changed.key] = Pointer(changed.address, changed.commitment(), changed.rule)
    with pytest.raises(RecordRefused, match="signed"):  # the ledger agrees, the signature is of another
        verify(forged, DOMAIN, ledger, NOW)


@pytest.mark.parametrize("field", ["owner", "commitment", "rule"])
def test_the_ledger_has_the_last_word(ledger: Ledger, field: str):
    wrong = {"owner": EVE.address, "commitment": name("x"), "rule": name("x")}
    ledger.pointers[1, RECORD.key] = Pointer(**{"owner": RECORD.address, "commitment": RECORD.commitment(),
                                                "rule": RECORD.rule, field: wrong[field]})
    with pytest.raises(RecordRefused, match="ledger"):
        verify(signed(RECORD), DOMAIN, ledger, NOW)


def test_a_key_that_nobody_points_to():
    with pytest.raises(RecordRefused, match="belongs to another"):
        verify(signed(RECORD), DOMAIN, Ledger(), NOW)


def test_without_the_chain_nothing_is_accepted(ledger: Ledger):
    ledger.gone = True
    with pytest.raises(NoChain):
        verify(signed(RECORD), DOMAIN, ledger, NOW)


def test_signatures(ledger: Ledger):
    good = signed(RECORD).signature
    r, s, v = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:64], "big"), good[64]
    high = good[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])  # the same point with s in the upper half
    for signature in (signed(RECORD, EVE).signature, high, bytes(65), good[:64] + bytes([v ^ 1]), good[:64] + b"\0",
                      (r ^ 1).to_bytes(32, "big") + good[32:], b"\xff" * 64 + bytes([v])):
        with pytest.raises(RecordRefused, match="signed"):
            verify(SignedRecord(RECORD, signature), DOMAIN, ledger, NOW)
    with pytest.raises(RecordRefused, match="signed"):
        verify(signed(RECORD), name("another hub"), ledger, NOW)


def test_members_sign_for_a_shared_identity(ledger: Ledger):
    by_bob = signed(RECORD, BOB)
    with pytest.raises(RecordRefused, match="another than its owner"):
        verify(by_bob, DOMAIN, ledger, NOW)
    ledger.members.add((RECORD.address, BOB.address))
    assert verify(by_bob, DOMAIN, ledger, NOW).signed == by_bob


def test_a_record_expires(ledger: Ledger):
    verify(signed(RECORD), DOMAIN, ledger, RECORD.expires - 1)
    with pytest.raises(RecordRefused, match="expired"):
        verify(signed(RECORD), DOMAIN, ledger, RECORD.expires)
    kept = msgspec.structs.replace(RECORD, expires=0)
    ledger.point(kept)
    verify(signed(kept), DOMAIN, ledger, 2**62)


@pytest.mark.parametrize("change", [
    {"size": 15}, {"size": 0}, {"sealing": CLEAR, "size": 64 * 2**20 + 1}, {"sealing": Sealing((), bytes(32))},
    {"sealing": Sealing(VALUE.sealing.wraps, b"")}, {"sealing": Sealing(VALUE.sealing.wraps[:1] * 2, bytes(32))},
])
def test_bounds_that_types_do_not_say(ledger: Ledger, change: dict[str, object]):
    wrong = msgspec.structs.replace(RECORD, **change)
    ledger.point(wrong)
    with pytest.raises(RecordRefused):
        verify(signed(wrong), DOMAIN, ledger, NOW)
    with pytest.raises(Malformed):
        decode_record(encode_record(signed(wrong)))


@pytest.mark.parametrize("change", [
    {"db": 0}, {"db": 3}, {"key": b"x"}, {"owner": bytes(21)}, {"version": 0}, {"version": 2**63}, {"size": -1},
    {"size": 2**40}, {"root": b""}, {"rule": bytes(33)}, {"kind": "x" * 65}, {"expires": -1}, {"expires": 2**63},
])
def test_bounds_of_the_types(change: dict[str, object]):
    wrong = SignedRecord(msgspec.structs.replace(RECORD, **change), bytes(65))
    with pytest.raises(Malformed):
        decode_record(msgspec.msgpack.encode(wrong))


def test_a_record_has_one_encoding():
    data = encode_record(signed(RECORD))
    fields = msgspec.msgpack.decode(data)
    for wrong in (data + b"\0", data[:-1], b"", data.replace(b"\xc4\x20", b"\xc5\x00\x20", 1),
                  msgspec.msgpack.encode([*fields, 1]), msgspec.msgpack.encode(fields[:1]),
                  msgspec.msgpack.encode([fields[0], "text"]), bytes(MAX_RECORD + 1)):
        with pytest.raises(Malformed):
            decode_record(wrong)


def test_the_largest_record_fits():
    wraps = tuple(Wrap(i.to_bytes(32, "big"), bytes(32), bytes(48)) for i in range(MOST_READERS))
    largest = msgspec.structs.replace(RECORD, sealing=Sealing(wraps, bytes(32)), kind="x" * 64, version=2**63 - 1,
                                      expires=2**63 - 1)
    assert decode_record(encode_record(signed(largest))).record == largest


def test_the_digest_is_that_of_eip_712():
    """By another implementation of the standard."""
    from eth_account.messages import _hash_eip191_message, encode_typed_data

    from enigmalang.chain.digests import Domain, keccak

    domain = Domain(1337, "0x" + "ab" * 20)
    types = {"Record": [{"name": n, "type": t} for t, n in (
        ("uint8", "db"), ("bytes32", "key"), ("address", "owner"), ("uint64", "version"), ("uint64", "size"),
        ("bytes32", "root"), ("bytes32", "sealing"), ("bytes32", "rule"), ("uint64", "expires"), ("string", "kind"))]}
    fields = {n: getattr(RECORD, n) for n in Record.__struct_fields__}
    fields |= {"owner": RECORD.address, "sealing": keccak(msgspec.msgpack.encode(RECORD.sealing))}
    typed = encode_typed_data(
        {"name": "EnigmaLang", "version": "1", "chainId": 1337, "verifyingContract": domain.hub}, types, fields)
    assert RECORD.digest(domain.separator) == _hash_eip191_message(typed)


def test_all_nodes_keep_the_same_one_in_whatever_order():
    value = in_the_clear(b"x")
    older, newer = record_of(value, version=1), record_of(value, version=2)
    assert supersedes(newer, older) and not supersedes(older, newer) and not supersedes(older, older)
    rivals = [record_of(in_the_clear(bytes([i])), version=2) for i in range(3)]
    kept = set()
    for order in itertools.permutations([older, *rivals]):
        current = order[0]
        for record in order[1:]:
            current = record if supersedes(record, current) else current
        kept.add(current.commitment())
    assert kept == {min(r.commitment() for r in rivals)}


def test_bounds_hold_for_what_is_made_here():
    check_bounds(RECORD)
    check_bounds(record_of(in_the_clear(b"")))


def test_what_is_no_text_and_what_is_too_deep():
    data = encode_record(signed(RECORD))
    for wrong in (data.replace(b"\xa5bytes", b"\xa5\xff\xff\xff\xff\xff"), b"\x91" * MAX_RECORD):
        assert wrong != data
        with pytest.raises(Malformed):
            decode_record(wrong)
