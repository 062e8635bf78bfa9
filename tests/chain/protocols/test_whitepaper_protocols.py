"""The whitepaper's protocols 1 to 4, by name, on every ledger; and what a chain shows of them."""

from pathlib import Path

import pytest
from run_support import read_program

from enigmalang.chain import development
from enigmalang.chain.digests import log_key
from enigmalang.chain.errors import Reverted
from enigmalang.chain.hub import DHT, EMPTY, MPC
from enigmalang.chain.rules import rule_name, rule_text, words_of
from enigmalang.diagnostics import EnigmaError
from enigmalang.execute.failures import Revert
from enigmalang.execute.runner import run_function
from enigmalang.execute.world import NoInputs
from enigmalang.identity.keys import Keystore
from enigmalang.identity.predicates import OWNER, Predicate

PROGRAMS = Path(__file__).with_name("programs")
COMPUTE = Predicate("only_compute")
PEOPLE = Keystore()
ALICE, BOB, CAROL, MALLORY = (PEOPLE.get(name) for name in ("alice", "bob", "carol", "mallory"))
FUNDS = 10**18


def check(adapter, name: str, engine: str = "clear") -> None:
    program = read_program(PROGRAMS / f"{name}.enig")
    assert program.expected
    assert adapter.run(program.path, engine).splitlines() == list(program.expected)


def test_protocol_1_create_a_shared_identity(adapter):
    check(adapter, "protocol_1")


def test_protocol_2_check_permission(adapter):
    check(adapter, "protocol_2")


def test_protocol_3_store_and_load_with_predicates(adapter):
    check(adapter, "protocol_3")


def test_protocol_4_share_and_compute(adapter):
    """Alice lets Bob compute with her height; his reading it is refused."""
    share_and_compute(adapter)


def test_protocol_4_share_and_compute_between_nodes(embedded):
    share_and_compute(embedded, "mpc")
    assert [event.fields["who"] for event in embedded.events("Refused")] == [BOB.address]


def share_and_compute(adapter, engine: str = "clear") -> None:
    program = read_program(PROGRAMS / "protocol_4.enig")
    plan, printed = adapter.bench.plan(program.path), list[str]()
    world = adapter.bench.session.world(plan, NoInputs(), printed.append, engine=engine)
    with pytest.raises(Revert) as refused:
        run_function(world, plan.script)
    assert "".join(printed).splitlines() == list(program.expected)
    assert refused.value.diagnostic.code == "E0510"
    assert refused.value.diagnostic.span.line == 14


def test_a_refusal_is_recorded_on_the_chain_by_a_node(evm):
    share_and_compute(evm)
    hub, key = evm.hub, log_key(["height/alice"])
    (refused,) = evm.events("Refused")
    node = refused.fields.pop("node")
    assert hub.is_active(node)
    assert refused.fields == {"db": MPC, "key": key, "who": BOB.address, "action": "read"}
    assert not hub.may_data(BOB.address, MPC, key, "read")
    assert hub.may_data(BOB.address, MPC, key, "compute")
    assert hub.may_data(ALICE.address, MPC, key, "read")


def test_only_pointers_rules_and_commitments_are_on_the_chain(evm, tmp_path):
    secret = "a very particular text"
    evm.text(tmp_path, f"""
identity alice, bob
as alice:
    DHT.set("diary", "{secret}", only(bob))
    private pin: uint32 = 40_961
    MPC.set("pin", pin, only(bob) & only_compute)
""")
    hub, chain = evm.hub, evm.hub.chain
    rules = [words_of(Predicate("only", (BOB.address,)))]
    rules.append(words_of(Predicate("and", (Predicate("only", (BOB.address,)), COMPUTE))))
    found = [hub.pointer(db, log_key([key])) for db, key in ((DHT, "diary"), (MPC, "pin"))]
    assert [p.owner for p in found] == [ALICE.address] * 2
    assert [p.rule for p in found] == [rule_name(words) for words in rules]
    assert [hub.rule(p.rule) for p in found] == [tuple(words) for words in rules]
    assert rule_text(rules[1]) == f"only({BOB.address}) only_compute and"
    assert len({p.commitment for p in found} | {EMPTY}) == 3
    everything = b"".join(log.data + b"".join(log.topics) for log in chain.logs())
    assert secret.encode() not in everything
    assert (40_961).to_bytes(32, "big") not in everything


# ---- what the chain refuses, whoever asks


def test_a_stranger_cannot_take_a_key_nor_change_a_policy(evm, tmp_path):
    evm.text(tmp_path, """
identity alice, bob
doctors = shared_identity({alice: owner, bob: only_compute})
as doctors: DHT["ward"] = "full"
as alice:
    private height: uint8 = 180
    MPC["height"] = height
""")
    hub = evm.hub
    development.fund(hub.chain, MALLORY.address, FUNDS)
    anyone = rule_name(words_of(Predicate("anyone")))
    (made,) = evm.events("IdentityCreated")
    doctors, ward, height = made.fields["identity"], log_key(["ward"]), log_key(["height"])
    for who in (MALLORY, BOB):
        development.fund(hub.chain, who.address, FUNDS)
        for db, key in ((DHT, ward), (MPC, height)):
            with pytest.raises(Reverted, match="the key belongs to another"):
                hub.point(who.signing, db, key, EMPTY, anyone)
        with pytest.raises(Reverted, match="not permitted"):
            hub.update_policy(who.signing, doctors, who.address, anyone)
        with pytest.raises(Reverted, match="not permitted"):
            hub.execute(who.signing, doctors, who.address, b"", 0)
        with pytest.raises(Reverted, match="not an active node"):
            hub.record_refusal(who.signing, DHT, ward, who.address, "read")
    assert hub.pointer(DHT, ward).owner == doctors
    assert evm.events("PolicyChanged", "Refused") == ()


def test_policies_are_updated_by_those_they_let(evm, tmp_path):
    evm.text(tmp_path, """
identity alice, bob
doctors = shared_identity({alice: owner, bob: only_compute})
as doctors: DHT["ward"] = "full"
""")
    hub, ward = evm.hub, log_key(["ward"])
    doctors = evm.events("IdentityCreated")[0].fields["identity"]
    owner = rule_name(words_of(OWNER))
    assert not hub.may_data(BOB.address, DHT, ward, "read")
    hub.update_policy(ALICE.signing, doctors, BOB.address, owner)
    assert hub.may_data(BOB.address, DHT, ward, "read")
    hub.update_policy(BOB.signing, doctors, ALICE.address, EMPTY)  # now he may, too
    assert not hub.may_data(ALICE.address, DHT, ward, "read")
    assert hub.members_of(doctors) == (BOB.address,)
    changed = [(e.fields["member"], e.fields["rule"], e.fields["changer"]) for e in evm.events("PolicyChanged")]
    assert changed == [(BOB.address, owner, ALICE.address), (ALICE.address, EMPTY, BOB.address)]


def test_times_are_the_chains(evm, tmp_path):
    evm.text(tmp_path, 'identity alice\nas alice: DHT["x"] = 1\n')
    hub, key = evm.hub, log_key(["x"])
    start = hub.chain.block().time
    words = words_of(Predicate("and", (Predicate("after", (start + 1000,)), Predicate("before", (start + 2000,)))))
    hub.declare(ALICE.signing, words)
    hub.point(ALICE.signing, DHT, key, EMPTY, rule_name(words))
    answers = []
    for later in (999, 1000, 1999, 2000):
        development.advance(hub.chain, seconds=start + later - hub.chain.block().time)
        answers.append((hub.may_data(BOB.address, DHT, key, "read"), hub.may_data(ALICE.address, DHT, key, "read")))
    assert answers == [(False, True), (True, True), (True, True), (False, True)]


def test_signers_count_once_and_the_first_one_asks(evm, tmp_path):
    evm.text(tmp_path, """
identity alice, bob, carol, dave
as dave: DHT.set("vault", 1, at_least(2, [alice, bob, carol]))
""")
    hub, key = evm.hub, log_key(["vault"])
    a, b, c, d = (PEOPLE.get(name).address for name in ("alice", "bob", "carol", "dave"))
    for signers, allowed in (([a], False), ([a, a], False), ([a, b], True), ([MALLORY.address, a], False),
                             ([MALLORY.address, a, c], True), ([d], True), ([a, d], False)):
        assert hub.may_data_signed(signers, DHT, key, "read") is allowed, signers
    with pytest.raises(Reverted, match="nobody asks"):
        hub.may_data_signed([], DHT, key, "read")


def test_a_shared_identity_has_one_address_and_it_is_its_accounts(evm, tmp_path):
    printed = evm.text(tmp_path, """
identity alice, bob
a = shared_identity({alice: owner, bob: only_compute})
as bob:
    b = shared_identity({alice: owner, bob: only_compute})
    print(a == b)
L["seen", a] = True
""")
    assert printed == ["True"]
    (made,) = evm.events("IdentityCreated")
    assert evm.hub.chain.code(made.fields["identity"])
    assert evm.hub.policy(made.fields["identity"], BOB.address) == rule_name(words_of(COMPUTE))


def test_what_cannot_be_a_rule_is_said(evm, tmp_path):
    many = " | ".join(["only(bob)"] * 40)
    with pytest.raises(EnigmaError, match="64 parts on the ledger at most"):
        evm.text(tmp_path, f'identity alice, bob\nas alice: DHT.set("x", 1, {many})\n')
    with pytest.raises(EnigmaError) as refused:
        evm.text(tmp_path, """
predicate friend(who: address):
    return len(L.history("friends")) > 0
identity alice
as alice: DHT.set("x", 1, friend)
""")
    assert refused.value.diagnostic.code == "E0803"
    assert refused.value.diagnostic.span.line == 3
