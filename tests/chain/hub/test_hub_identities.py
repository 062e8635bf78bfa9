"""Shared identities, rules and pointers: the hub answers as identity/predicates.py does."""

import pytest
from actors import NOTHING, Actor, World, actor, signed
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import FUNDS, START, Contract, Refused, compiled

from enigmalang.chain import digests as d
from enigmalang.chain.compiling import own_contract
from enigmalang.chain.rules import Own, RuleError, rule_name, rule_text, words_of
from enigmalang.identity.predicates import ANYONE, OWNER, Predicate, Question, allows

ONLY_COMPUTE = Predicate("only_compute")
DHT, MPC = 1, 2
ACCOUNT = own_contract("Account")
KEY = d.log_key(["hr", "salaries"])
PEOPLE = [actor(name) for name in ("alice", "bob", "eve", "carol")]
OWN = """
# pragma version 0.4.3
@external
@view
def paid(who: address, how_much: uint256) -> bool:
    return convert(who, uint256) % 2 == how_much
@external
@view
def early(limit: uint256, text: String[40]) -> bool:
    return block.timestamp < limit and text == "a text that needs more than one word"
@external
@view
def broken(who: address) -> bool:
    raise "no"
@external
@view
def greedy(who: address) -> bool:
    for i: uint256 in range(1_000_000):
        assert block.timestamp > i
    return True
@external
@view
def seven(who: address) -> uint256:
    return 7
"""


def declare(world: World, predicate: Predicate, own=None) -> bytes:
    words = words_of(predicate, own)
    found = world.hub.send("declare", words, sender=world.eve.address).value
    assert found == rule_name(words)
    assert world.hub.call("rule", found) == tuple(words)
    return found


def share(world: World, *policies: tuple[Actor, Predicate], salt: bytes = NOTHING) -> str:
    rules = [declare(world, policy) for _, policy in policies]
    members = [member.address for member, _ in policies]
    return world.hub.send("create_identity", members, rules, salt, sender=world.alice.address).value


def decide(world: World, rule: bytes, who: Actor, signers=(), owner: Actor | None = None, action="read") -> bool:
    signed = [who.address, *(s.address for s in signers)]
    compute = action == "compute"
    return world.hub.call("decide_at", rule, who.address, signed, (owner or world.alice).address, compute, 0)


@pytest.fixture
def doctors(world: World) -> str:
    return share(world, (world.alice, OWNER), (world.bob, ONLY_COMPUTE))


# ---- identities


def test_an_identity_has_an_address_members_and_policies(world: World, doctors: str):
    assert world.hub.call("members_of", doctors) == (world.alice.address, world.bob.address)
    assert world.hub.call("policy", doctors, world.bob.address) == declare(world, ONLY_COMPUTE)
    assert world.hub.call("policy", doctors, world.eve.address) == NOTHING
    other = share(world, (world.alice, OWNER), (world.bob, ONLY_COMPUTE), salt=d.keccak(b"other"))
    assert other != doctors
    with pytest.raises(Refused):
        share(world, (world.alice, OWNER), (world.bob, ONLY_COMPUTE))


@pytest.mark.parametrize(("who", "action", "allowed"), [
    ("alice", "read", True), ("alice", "act", True), ("bob", "compute", True), ("bob", "read", False),
    ("bob", "act", False), ("bob", "update", False), ("eve", "compute", False)])
def test_what_members_may(world: World, doctors: str, who: str, action: str, allowed: bool):
    assert world.hub.call("may", getattr(world, who).address, doctors, action, NOTHING) is allowed


def test_identities_that_cannot_be(world: World):
    owner = declare(world, OWNER)
    a, b = world.alice.address, world.bob.address
    for members, rules, reason in (
        ([], [], "a rule for each member"), ([a, b], [owner], "a rule for each member"), ([a, a], [owner] * 2, "twice"),
        ([a], [d.keccak(b"unknown")], "no such rule"), (["0x" + "00" * 20], [owner], "without an address"),
    ):
        with pytest.raises(Refused, match=reason):
            world.hub.send("create_identity", members, rules, NOTHING, sender=a)


def test_the_account_acts_for_whom_its_policy_lets(world: World, doctors: str):
    account = Contract(world.machine, doctors, ACCOUNT.abi)
    world.machine.transact(world.eve.address, doctors, b"", 1000)
    account.send("execute", world.bob.address, b"", 400, sender=world.alice.address)
    assert world.machine.balance(world.bob.address) == FUNDS + 400
    for who in (world.bob, world.eve):
        with pytest.raises(Refused, match="not permitted"):
            account.send("execute", who.address, b"", 1, sender=who.address)
    assert world.machine.balance(doctors) == 600
    data = world.hub.data("point", MPC, KEY, NOTHING, declare(world, OWNER))
    account.send("execute", world.hub.address, data, 0, sender=world.alice.address)
    assert world.hub.call("pointer", MPC, KEY)["owner"] == doctors


def test_policies_are_changed_by_those_they_let(world: World, doctors: str):
    owner, compute = declare(world, OWNER), declare(world, ONLY_COMPUTE)
    a, b, e = (x.address for x in (world.alice, world.bob, world.eve))
    for who in (b, e):
        with pytest.raises(Refused, match="not permitted"):
            world.hub.send("update_policy", doctors, who, owner, sender=who)
    world.hub.send("update_policy", doctors, e, compute, sender=a)
    assert world.hub.call("members_of", doctors) == (a, b, e)
    world.hub.send("update_policy", doctors, b, owner, sender=a)
    world.hub.send("update_policy", doctors, a, NOTHING, sender=b)
    assert world.hub.call("members_of", doctors) == (e, b)
    assert not world.hub.call("may", a, doctors, "compute", NOTHING)
    with pytest.raises(Refused, match="no member"):
        world.hub.send("update_policy", doctors, a, NOTHING, sender=b)
    world.hub.send("update_policy", doctors, e, NOTHING, sender=b)
    with pytest.raises(Refused, match="the last member stays"):
        world.hub.send("update_policy", doctors, b, NOTHING, sender=b)
    with pytest.raises(Refused, match="no such rule"):
        world.hub.send("update_policy", doctors, e, d.keccak(b"unknown"), sender=b)
    with pytest.raises(Refused, match="no shared identity"):
        world.hub.send("update_policy", a, e, owner, sender=a)


def test_identities_in_identities_end_somewhere(world: World, doctors: str):
    """Two that refer to each other: nobody's answer, and no endless one."""
    inner = share(world, (world.eve, Predicate("only", (doctors,))))
    world.hub.send("update_policy", doctors, world.eve.address, declare(world, Predicate("only", (inner,))),
                   sender=world.alice.address)
    assert not world.hub.call("may", world.eve.address, inner, "read", NOTHING)
    assert not world.hub.call("may", world.eve.address, doctors, "read", NOTHING)


def test_two_together_do_what_one_may_not(world: World):
    """Members under `at_least(2, …)`: they pay, and change their policies, by two signatures."""
    three = [world.alice, world.bob, world.eve]
    two = Predicate("at_least", (2, *(m.address for m in three)))
    group = share(world, *((member, two) for member in three))
    world.machine.transact(world.alice.address, group, b"", 1000)
    account, domain = Contract(world.machine, group, ACCOUNT.abi), d.Domain(world.domain.chain, group)
    assert not world.hub.call("may", world.alice.address, group, "act", NOTHING)

    def act(target: str, data: bytes, amount: int, signers: list[Actor], nonce: int, of: d.Domain = domain) -> None:
        digest = d.execute_digest(of, target, data, amount, nonce)
        account.send("execute_signed", target, data, amount, signed(digest, signers), sender=world.nodes[0].address)

    stranger, carol = world.nodes[1], PEOPLE[3].address
    for signers in ([world.alice], [world.alice, world.alice], [world.alice, stranger], [stranger, world.alice]):
        with pytest.raises(Refused, match="not permitted"):
            act(carol, b"", 100, signers, 0)
    with pytest.raises(Refused, match="nobody signed"):
        act(carol, b"", 100, [], 0)
    for domain_of in (world.domain, d.Domain(1, group)):
        with pytest.raises(Refused, match="not permitted"):
            act(carol, b"", 100, three, 0, domain_of)
    act(carol, b"", 100, [world.bob, world.eve], 0)
    assert world.machine.balance(carol) == 100
    with pytest.raises(Refused, match="not permitted"):
        act(carol, b"", 100, [world.bob, world.eve], 0)
    data = world.hub.data("update_policy", group, world.eve.address, declare(world, OWNER))
    act(world.hub.address, data, 0, [world.alice, world.bob], 1)
    assert world.hub.call("may", world.eve.address, group, "act", NOTHING)
    assert account.call("nonce") == 2


# ---- rules


@pytest.mark.parametrize(("words", "reason"), [
    ([], "one answer"), ([0], "no such operation"), ([14 << 248], "no such operation"), ([4 << 248], "lacks an answer"),
    ([6 << 248], "lacks an answer"), ([1 << 248, 4 << 248], "lacks an answer"), ([1 << 248] * 2, "one answer"),
    ([9 << 248], "one answer"), ([13 << 248 | 2 << 192, 0], "one answer")])
def test_programs_that_are_no_rules(world: World, words: list[int], reason: str):
    with pytest.raises(Refused, match=reason):
        world.hub.send("declare", words, sender=world.eve.address)


def test_a_user_s_predicate_is_asked(world: World):
    own = world.machine.deploy(compiled(OWN), world.alice.address).address
    text = [int.from_bytes(part, "big") for part in (b"a text that needs more than one ", b"word".ljust(32, b"\0"))]
    words = [64, 36, *text]  # where the text starts, its length, itself
    cases = {
        "paid": Own(own, "paid(address,uint256)", (1,)),
        "early": Own(own, "early(uint256,string)", (START + 10, *words), asker_first=False),
        "late": Own(own, "early(uint256,string)", (START, *words), asker_first=False),
        "broken": Own(own, "broken(address)"), "greedy": Own(own, "greedy(address)"),
        "seven": Own(own, "seven(address)"), "missing": Own(own, "missing(address)"),
        "nobody": Own(world.eve.address, "paid(address)"),
    }
    for name, asked in cases.items():
        rule = declare(world, Predicate(name), lambda _, asked=asked: asked)
        negated = declare(world, Predicate("not", (Predicate(name),)), lambda _, asked=asked: asked)
        for who in (world.alice, world.bob, world.eve):
            expected = {"paid": int(who.address, 16) % 2 == 1, "early": True}.get(name, False)
            assert decide(world, rule, who) is expected, name
            assert decide(world, negated, who) is not expected, name


def test_with_little_gas_a_predicate_is_not_answered_rather_than_denied(world: World, monkeypatch):
    own = world.machine.deploy(compiled(OWN), world.alice.address).address
    asked = Own(own, "paid(address,uint256)", (1,))
    negated = declare(world, Predicate("not", (Predicate("paid"),)), lambda _: asked)
    monkeypatch.setattr("machine.GAS", 330_000)
    with pytest.raises(Refused, match="too little gas"):
        decide(world, negated, world.alice)


def test_predicates_that_the_hub_cannot_keep():
    for wrong in (Predicate("only", ("bob",)), Predicate("unknown"), Predicate("not", (1,)),
                  Predicate("after", ("noon",)), Predicate("and", (OWNER,) * 40)):
        with pytest.raises(RuleError):
            words_of(wrong)


def test_rules_can_be_read():
    bob = PEOPLE[1].address
    predicate = Predicate("or", (Predicate("at_least", (2, bob)), Predicate("not", (Predicate("after", (5,)),))))
    assert rule_text(words_of(predicate)) == f"count({bob}) at_least(2) after(5) not or"
    own = words_of(Predicate("paid"), lambda _: Own(bob, "paid(address,uint256)", (9,)))
    assert rule_text(own) == f"call({bob}, 0x{d.keccak(b'paid(address,uint256)')[:4].hex()}) 0x9"


GROUP = "group"
LEAVES = st.one_of(
    st.sampled_from([ANYONE, OWNER, ONLY_COMPUTE]),
    st.lists(st.sampled_from([*(p.address for p in PEOPLE), GROUP]), max_size=3).map(
        lambda names: Predicate("only", tuple(names))),
    st.just(Predicate("members", (GROUP,))),
    st.sampled_from([START - 1, START, START + 1, -5]).map(lambda t: Predicate("after", (t,))),
    st.sampled_from([START, START + 1]).map(lambda t: Predicate("before", (t,))),
    st.tuples(st.integers(0, 3), st.lists(st.sampled_from([*(p.address for p in PEOPLE), GROUP]), max_size=3)).map(
        lambda a: Predicate("at_least", (a[0], *a[1]))))
TREES = st.recursive(LEAVES, lambda inner: st.one_of(
    st.lists(inner, max_size=3).map(lambda a: Predicate("and", tuple(a))),
    st.lists(inner, max_size=3).map(lambda a: Predicate("or", tuple(a))),
    inner.map(lambda a: Predicate("not", (a,)))), max_leaves=5)


def placed(predicate: Predicate, group: str) -> Predicate:
    """With the group's address where its name stands."""
    args = tuple(placed(a, group) if isinstance(a, Predicate) else group if a == GROUP else a for a in predicate.args)
    return Predicate(predicate.name, args)


@settings(max_examples=40, deadline=None)
@given(TREES, st.tuples(LEAVES, LEAVES), st.sampled_from(PEOPLE), st.sets(st.sampled_from(PEOPLE)),
       st.sampled_from(["read", "compute"]), st.booleans())
def test_the_hub_answers_as_predicates_do(deployed: World, tree: Predicate, policies: tuple[Predicate, Predicate],
                                          who: Actor, signers: set[Actor], action: str, of_group: bool):
    world = deployed
    mark = world.machine.snapshot()
    try:
        # In the group's own policies its address is not known yet; another stands there.
        named = [placed(policy, PEOPLE[3].address) for policy in policies]
        group = share(world, *zip(PEOPLE[:2], named, strict=True))
        predicate = placed(tree, group)
        owner = group if of_group else PEOPLE[0].address
        rule = declare(world, predicate)
        signed = [who.address, *sorted(s.address for s in signers)]
        question = Question(
            who.address, frozenset(signed), owner, action, world.machine.now,
            {group: tuple((m.address, policy) for m, policy in zip(PEOPLE, named, strict=False))}, lambda *_: False)
        answer = world.hub.call("decide_at", rule, who.address, signed, owner, action == "compute", 0)
        assert answer is allows(predicate, question)
    finally:
        world.machine.revert(mark)


# ---- pointers


def test_bob_may_compute_with_alice_s_height_and_not_read_it(world: World):
    """Protocols 2 to 4 of the whitepaper, as far as the chain has a part in them."""
    a, b, node = world.alice.address, world.bob.address, world.nodes[0].address
    rule = declare(world, Predicate("and", (Predicate("only", (b,)), ONLY_COMPUTE)))
    world.hub.send("point", MPC, KEY, d.keccak(b"commitment"), rule, sender=a)
    may = {(who, action): world.hub.call("may_data", who, MPC, KEY, action)
           for who in (a, b, world.eve.address) for action in ("read", "compute", "write")}
    assert {asked for asked, allowed in may.items() if allowed} == {
        (a, "read"), (a, "compute"), (a, "write"), (b, "compute")}
    assert world.hub.call("may", b, a, "compute", KEY)
    assert not world.hub.call("may", b, a, "compute", NOTHING)
    receipt = world.hub.send("record_refusal", MPC, KEY, b, "read", sender=node)
    assert receipt.logs == (("Refused", {"db": MPC, "key": KEY, "who": b, "action": "read", "node": node}),)
    with pytest.raises(Refused, match="permitted"):
        world.hub.send("record_refusal", MPC, KEY, b, "compute", sender=node)
    with pytest.raises(Refused, match="not an active node"):
        world.hub.send("record_refusal", MPC, KEY, b, "read", sender=world.eve.address)


def test_raw_secrets_are_their_dealer_s_alone_whatever_the_rule_says(world: World):
    for db, readable in ((DHT, True), (MPC, False)):
        world.hub.send("point", db, KEY, NOTHING, declare(world, ANYONE), sender=world.alice.address)
        assert world.hub.call("may_data", world.eve.address, db, KEY, "read") is readable
        assert world.hub.call("may_data", world.eve.address, db, KEY, "compute")
        assert not world.hub.call("may_data", world.eve.address, db, KEY, "write")


def test_a_key_is_taken_over_by_those_who_act_for_its_owner(world: World, doctors: str):
    account = Contract(world.machine, doctors, ACCOUNT.abi)
    rule = declare(world, OWNER)
    data = world.hub.data("point", DHT, KEY, NOTHING, rule)
    assert world.hub.call("may_data", world.eve.address, DHT, KEY, "write")
    account.send("execute", world.hub.address, data, 0, sender=world.alice.address)
    for who in (world.bob, world.eve):
        with pytest.raises(Refused, match="belongs to another"):
            world.hub.send("point", DHT, KEY, NOTHING, rule, sender=who.address)
    world.hub.send("point", DHT, KEY, NOTHING, rule, sender=world.alice.address)
    assert world.hub.call("pointer", DHT, KEY)["owner"] == world.alice.address


def test_several_who_signed_ask_together(world: World):
    a, b, e = (x.address for x in (world.alice, world.bob, world.eve))
    rule = declare(world, Predicate("at_least", (2, b, e)))
    world.hub.send("point", DHT, KEY, NOTHING, rule, sender=a)
    for signers, allowed in (([b], False), ([b, b], False), ([b, e], True), ([b, a], False)):
        assert world.hub.call("may_data_signed", signers, DHT, KEY, "read") is allowed
    with pytest.raises(Refused, match="nobody asks"):
        world.hub.call("may_data_signed", [], DHT, KEY, "read")


def test_pointers_that_cannot_be(world: World):
    rule = declare(world, OWNER)
    for db, name, reason in ((0, rule, "no such database"), (3, rule, "no such database"),
                             (DHT, NOTHING, "no such rule")):
        with pytest.raises(Refused, match=reason):
            world.hub.send("point", db, KEY, NOTHING, name, sender=world.alice.address)
