"""`DHT` in programs: at the nodes of a network it means what it means in memory."""

from io import BytesIO

import pytest
from daemon_world import World
from storing_nodes import BOB, EVE, StoringNodes, key_of_text

from enigmalang.chain.embedded import faucet_key
from enigmalang.chain.hub import DHT
from enigmalang.chain.receiving import publish_receiving_key
from enigmalang.chain.rules import rule_name, words_of
from enigmalang.chain.storage import RentParameters, deploy_storage, lease_name
from enigmalang.cli.app import run
from enigmalang.dht.records import sign_record
from enigmalang.ethereum.keys import SigningKey
from enigmalang.identity.keys import Keystore, identity_of
from enigmalang.identity.predicates import ANYONE
from enigmalang.node import remote_storage as rs

PROGRAM = """
struct Note:
    text: string[40]
    marks: list[int16, 4]

enum Colour:
    red
    green

def kept(k: string[20]) -> uint32:
    found: uint32 = DHT[k]
    return found

print("notes/1" in DHT)
expect revert "does not exist": print(DHT["notes/1"])
identity alice, bob, carol, dave, eve
as alice:
    DHT["notes/1"] = "hello"
    print(DHT["notes/1"], "notes/1" in DHT)
    DHT["notes/1"] = "hello again"
    DHT.set("note", Note("good", [3, -4]), only(bob) | only(carol))
    DHT.set("colour", Colour.green, anyone)
    DHT.set("both", 7, only(bob) & only(carol))
    DHT.set("count", 40_000, only(bob))
    DHT.set("table", [[1, 2], [3, 4]], owner | only(bob))
    DHT.table("hr/salaries")["2026"] = 5
    DHT["big"] = 2**200 + 1
    DHT["half"] = 0.5
    DHT["who"] = bob
    DHT["sure"] = True
    print(DHT["hr/salaries/2026"], DHT["big"], DHT["half"], DHT["sure"])
    who: address = DHT["who"]
    print(who == bob, DHT["both"], DHT["table"])
as bob:
    expect revert "not permitted": print(DHT["notes/1"])
    expect revert "another identity": DHT["notes/1"] = "mine now"
    note: Note = DHT["note"]
    print(note, DHT["colour"], kept("count") + 1)
    expect revert "not permitted": print(DHT["both"])
    expect revert "no uint8": narrow: uint8 = DHT["count"]
doctors = shared_identity({alice: owner, bob: only_compute})
as dave:
    DHT.set("ward", 1, members(doctors))
    DHT.set("file", 2, only(doctors))
as alice: print(DHT["ward"], DHT["file"])
as bob:
    print(DHT["ward"])
    expect revert "not permitted": print(DHT["file"])
as doctors:
    DHT["plan"] = "tea"
    print(DHT["plan"])
as alice: print(DHT["plan"])
as eve:
    print(DHT["colour"])
    expect revert "not permitted": print(DHT["ward"])
    expect revert "not permitted": print(DHT["plan"])
private secret = 20
DHT["sum"] = reveal(secret * 2)
print(kept("sum"))
L["seen"] = kept("sum")
print(L["seen"])
"""


@pytest.fixture(scope="module")
def three(made: World, tmp_path_factory):
    with StoringNodes(made, tmp_path_factory.mktemp("programs"), 3, check_seconds=0.5) as nodes:
        yield nodes


@pytest.fixture
def enig(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")

    def call(text: str, *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "program.enig").write_text(text)
        capfd.readouterr()
        status = run(["run", str(tmp_path / "program.enig"), "--engine", "clear", *arguments])
        return status, *capfd.readouterr()

    return call


def _network(nodes: StoringNodes, *more: str) -> tuple[str, ...]:
    return ("--network", "--chain", str(nodes.world.socket), "--hub", nodes.world.hub.address, *more)


def test_a_program_does_the_same_in_memory_and_at_nodes(three: StoringNodes, enig):
    status, printed, said = enig(PROGRAM, "--chain", "memory")
    assert (status, said) == (0, "") and len(printed.splitlines()) == 12
    assert enig(PROGRAM)[:2] == (0, printed)
    status, at_nodes, said = enig(PROGRAM, *_network(three))
    assert (status, at_nodes) == (0, printed), said
    pointer = three.world.hub.pointer(DHT, key_of_text("notes/1"))
    assert pointer.owner == Keystore().get("alice").address
    holders = three.held("notes/1")
    kept = holders[0].part._keeper.kept(DHT, key_of_text("notes/1"))
    assert kept.record.commitment() == pointer.commitment and kept.record.sealing.sealed
    assert kept.record.kind == "string"
    sealed_for = {wrap.reader for wrap in holders[0].part._keeper.kept(DHT, key_of_text("both")).record.sealing.wraps}
    assert sealed_for == {Keystore().get("alice").public_key}
    status, again, _ = enig('identity alice\nas alice: print(DHT["notes/1"])\n', *_network(three))
    assert (status, again) == (0, "hello again\n")  # another run, another process: it is there


def test_files_of_the_command_are_bytes_for_programs_and_who_is_elsewhere_is_sealed_for(three: StoringNodes, enig):
    world = three.world
    three.put("raw file", b"some bytes", None)
    assert enig('print(DHT["raw file"])', *_network(three))[1] == "b'some bytes'\n"
    far = "0x" + "ab" * 20
    status, _, said = enig(f'DHT.set("far", 1, only(address({far})))', *_network(three))
    assert status == 1 and "has published no key" in said and "enig dht reader --publish" in said
    key = rs.Identity  # a key that is in no program
    key = identity_of("zoe", SigningKey.generate())
    rs.with_funds(world.chain, key.address)
    publish_receiving_key(world.chain, world.hub.address, key.signing, key.public_key)
    assert enig(f'DHT.set("near", 1, only(address({key.address})))', *_network(three))[0] == 0
    assert three.get("near", key)
    for other in (BOB, EVE):
        with pytest.raises(rs.RemoteError, match="not sealed for"):
            three.get("near", other)


def test_what_a_network_cannot_do_is_said_before_anything_is_done(three: StoringNodes, enig):
    text = """
predicate friend(who: address):
    return True

contract C:
    x: uint32
    def put(v: uint32):
        x = v

identity alice, bob
print("begun")
as alice:
    DHT.set("a", 1, ~only(bob))
    DHT.set("b", 1, friend)
    DHT.set("c", 1, at_least(2, [alice, bob]))
    DHT.set("ok", 1, only(bob) & after(10))
c = deploy C()
c.put(3)
"""
    status, out, err = enig(text, *_network(three))
    assert (status, out) == (1, "") and err.count("error[E0803]") == 5
    for part in ("whom it does not name", "`friend`", "`at_least`", "does not deploy", "not call"):
        assert part in err, part
    status, out, err = enig('test "t":\n    assert True\n', *_network(three))
    assert status == 1 and "no statements" in err
    assert enig("print(1)", "--hub", three.world.hub.address)[0] == 2


def test_what_no_node_takes_leaves_what_was_there(three: StoringNodes, enig, monkeypatch):
    assert enig('DHT["twice"] = 1', *_network(three))[0] == 0

    def refuse(*_: object) -> None:
        raise rs.RemoteError("E0709", "no node took the value")

    monkeypatch.setattr(rs.Draft, "upload", refuse)
    status, _, said = enig('DHT["twice"] = 2', *_network(three))
    assert status == 1 and "E0709" in said and "what was there before is there again" in said
    assert enig('print(DHT["twice"])', *_network(three))[1] == "1\n"


def test_a_value_that_is_not_what_its_record_says_is_refused(three: StoringNodes, enig):
    """Its owner may have stored anything."""
    world, alice = three.world, Keystore().get("alice")
    rs.with_funds(world.chain, alice.address)
    with three.client() as nodes:
        for key, content, kind in (("lie", b"\x81\xa3int\xa3999", "uint8"), ("odd", b"\xc1", "uint8"),
                                   ("new", b"x", "Strange")):
            words = words_of(ANYONE)
            with rs.Draft(nodes, alice.address, key_of_text(key), BytesIO(content), len(content), None,
                          rule_name(words), kind) as draft:
                if not world.hub.rule(rule_name(words)):
                    world.hub.declare(alice.signing, words)
                world.hub.point(alice.signing, DHT, key_of_text(key), draft.record.commitment(), draft.record.rule)
                draft.upload(sign_record(draft.record, world.hub.domain.separator, alice.signing))
    for key in ("lie", "odd", "new"):
        status, _, said = enig(f'print(DHT["{key}"])', *_network(three))
        assert status == 1 and "E0201" in said, said


def test_rent_is_paid_from_what_the_owner_has(world: World, tmp_path, enig):
    terms = RentParameters(price=10**15, ahead=3600)  # a day is the lease: nobody renews it yet
    contract = deploy_storage(world.chain, faucet_key(), world.hub.address, terms)
    with StoringNodes(world, tmp_path / "rent", 3, replicas=2, rent=contract.address) as nodes, \
            pytest.MonkeyPatch.context() as patch:
        me = Keystore().get("me")
        patch.setattr(rs, "BEHIND", 0.5)
        status, _, said = enig('DHT["free"] = 1', *_network(nodes))
        assert status == 1 and "nobody pays" in said, said.partition("error")
        patch.undo()
        rs.with_funds(world.chain, me.address)
        contract.deposit(me.signing, 10**17)
        assert enig('DHT["paid"] = 1', *_network(nodes, "--rent", contract.address, "--days", "1"))[0] == 0
        lease = contract.lease(lease_name(me.address, DHT, key_of_text("paid")))
        assert lease.period == 24 * 3600 and len(lease.holders) == 2
        assert contract.balance(me.address) == 10**17 - lease.cost
        assert enig('print(DHT["paid"])', *_network(nodes))[1] == "1\n"
