"""`MPC` of scripts on a network: what one script writes, others compute with, when its rule lets them."""

import pytest
from seat_deaths import nodes_of
from seat_nodes import LONG, Nodes, until

from enigmalang.chain.hub import MPC, OPEN
from enigmalang.chain.ledger import EvmLedger
from enigmalang.chain.logbook import key_id
from enigmalang.chain.vault import find_vaults, vault_interface
from enigmalang.cli.app import run
from enigmalang.compiler.compiler import compile_file
from enigmalang.diagnostics import Sink
from enigmalang.identity.keys import Keystore
from enigmalang.node.costing import cost_of
from enigmalang.node.costing.orders import REQUEST_GAS
from enigmalang.node.remote import RemoteError, connect
from enigmalang.node.vault_places import choose_vault
from enigmalang.plan.calls import LedgerError

WRITES = """
identity alice, bob, carol
as alice:
    print("height" in MPC)
    MPC.set("height", 170, only(bob))
    MPC.table("hr/salaries")["2026"] = [3, 4, 5]
    MPC["sure"] = True
    print("height" in MPC, MPC.declassify("height"), MPC.declassify("sure"))
    grown = MPC["height"]
    MPC.set("height", clamp(grown + 5), only(bob))
    print(reveal(grown), reveal(MPC["height"]))
    expect revert "does not exist":
        depth: uint32 = MPC["depth"]
as bob:
    expect revert "another dealer": MPC["height"] = 1
    expect revert "not permitted": print(MPC.declassify("height"))
as carol:
    expect revert "not permitted": print(reveal(MPC["height"]))
print("written")
"""
COMPUTES = """
identity alice, bob
as bob:
    height: int32 = MPC["height"]
    private own: int32 = 180
    print(reveal(height + own), reveal(height > own))
as alice:
    pay: list[int32, 3] = MPC["hr/salaries/2026"]
    yes: bool = MPC["sure"]
    print(reveal(sum(pay)), reveal(yes and pay[0] == 3))
    mine: int32 = MPC.declassify("height")
    print(mine)
"""


nodes = nodes_of(3)


@pytest.fixture
def enig(nodes: Nodes, tmp_path, monkeypatch, capfd):
    """A script on the network: status, what it printed, and what was said."""
    monkeypatch.setenv("ENIGMALANG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    network = ("--network", "--chain", str(nodes.world.socket), "--hub", nodes.world.hub.address)

    def call(text: str, *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "program.enig").write_text(text)
        capfd.readouterr()
        status = run(["run", str(tmp_path / "program.enig"), *network, *arguments])
        return status, *capfd.readouterr()

    return call


def test_what_one_script_writes_another_computes_with(enig, nodes: Nodes):
    status, out, said = enig(WRITES)
    assert (status, out) == (0, "False\nTrue 170 True\n170 175\nwritten\n"), said
    (vault,) = find_vaults(nodes.world.hub)
    assert f"{vault} is one now" in said
    status, out, said = enig(COMPUTES)
    assert (status, out) == (0, "355 False\n12 True\n175\n"), said
    assert find_vaults(nodes.world.hub) == [vault] and "is one now" not in said
    assert nodes.world.hub.pointer(MPC, key_id(("height",))).owner == Keystore().get("alice").address


def test_nodes_refuse_what_a_forged_client_would_do(enig, monkeypatch):
    rule = "identity alice, bob, carol\nas alice:\n    MPC.set(\"secret\", 99, only(bob))\n"
    assert enig(rule)[0] == 0
    monkeypatch.setattr(EvmLedger, "permits", lambda *_: True)
    for who, does, line in (
            ("bob", 'MPC["secret"] = 3', 3), ("carol", 'found: int32 = MPC["secret"]\n    print(reveal(found))', 4),
            ("bob", 'found: int32 = MPC.declassify("secret")\n    print(found)', 3)):
        status, out, said = enig(f"identity {who}\nas {who}:\n    {does}\n")
        assert (status, out) == (1, "") and "error[E0510]" in said and f"program.enig:{line}:" in said, said
        assert "the nodes refuse: not permitted: " in said and "MPC['secret']" in said, said
    monkeypatch.undo()


def test_an_entry_that_is_not_what_its_owner_says_is_refused(enig):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("enigmalang.node.network_entries.kind_text", lambda text: "uint8")
        assert enig('identity alice\nas alice: MPC.set("odd", [1, 2, 3], anyone)')[0] == 0
    status, out, said = enig('odd: uint8 = MPC["odd"]\nprint(reveal(odd))')
    assert (status, out) == (1, "") and "error[E0201]" in said and "and is none" in said, said


ROWS = """
identity alice, bob
struct Person:
    age: uint8
    tall: bool

as alice:
    private xs: list[uint16, 100] = [uint16(7 * i + 1) for i in range(100)]
    squares = [x * x + x for x in xs]
    MPC["one"] = uint32(squares[70])
    MPC["person"] = Person(age=30, tall=True)
    private half: fixed = 2.5
    MPC["half"] = half
    MPC["half"] = clamp(half * half)
    MPC["none"] = 12
    private a: uint16 = 5
as bob:
    private b: uint16 = 6
    total = a * b
    print(reveal(total))
as alice:
    MPC["total"] = clamp(total + 1, uint32)
    print(reveal(a + b), reveal(MPC["total"]), reveal(MPC["half"]))
    MPC.set("total", clamp(total, uint32), anyone)
    print(MPC.declassify("one"))
as bob:
    print(reveal(MPC["total"] * 2))
    reveal_to_bob = MPC["total"] + 1
    reveal(reveal_to_bob, to=bob)
as alice:
    friend: Person = MPC.declassify("person")
    print(friend)
"""


def test_types_rows_and_several_identities(enig):
    text = ROWS
    status, out, said = enig(text)
    assert status == 0, said
    assert out == "30\n11 31 6.25\n241572\n60\nbob learns 31\nPerson(age=30, tall=True)\n", said


def test_who_is_killed_between_order_and_pointer_leaves_what_was(enig, monkeypatch):
    assert enig('identity alice, bob\nas alice: MPC.set("kept", 1, only(bob))')[0] == 0

    def refuse(*_: object) -> None:
        raise LedgerError("killed")

    monkeypatch.setattr(EvmLedger, "point", refuse)
    status, _, said = enig('identity alice\nas alice: MPC["kept"] = 2')
    assert status == 1 and "killed" in said
    status, _, said = enig('identity alice\nas alice: MPC["new"] = 2')
    assert status == 1 and "killed" in said
    monkeypatch.undo()
    status, out, said = enig("""
identity alice, bob
as bob:
    kept: int32 = MPC["kept"]
    print(reveal(kept), "new" in MPC)
as alice: MPC["kept"] = 3
expect revert "not permitted":
    as bob:
        again: int32 = MPC["kept"]
as alice:
    mine: int32 = MPC["kept"]
    print(reveal(mine))
""")
    assert (status, out) == (0, "1 False\n3\n"), said


TOGETHER = """identity alice, bob, carol, dave
doctors = shared_identity({alice: owner, bob: only_compute})
as alice:
    MPC.set("two", 5, at_least(2, [alice, bob, carol]))
as bob:
    expect revert "not permitted":
        two: int32 = MPC["two"]
as carol:
    as bob:
        both: int32 = MPC["two"]
        print(reveal(both + 1))
as doctors:
    MPC["plan"] = 40
    MPC["plan"] = 41
as bob:
    plan: int32 = MPC["plan"]
    print(reveal(plan * 2))
    expect revert "not permitted":
        raw: int32 = MPC.declassify("plan")
as alice:
    mine: int32 = MPC.declassify("plan")
    print(mine)
as dave:
    expect revert "not permitted":
        no: int32 = MPC["plan"]
"""


def test_shared_identities_and_those_who_sign_together(enig):
    status, out, said = enig(TOGETHER)
    assert (status, out) == (0, "6\n82\n41\n"), said


COUNTED = """
identity alice, bob
as alice:
    private xs: list[uint16, 30] = [uint16(i) for i in range(30)]
    MPC.set("costs", xs, only(bob))
    print(reveal(sum(xs)))
    MPC.set("costs", xs, only(bob))
    private y: int32 = 7
    z = clamp(y * y, int32)
    MPC["squared"] = z
    print(reveal(z > y))
    print(MPC.declassify("squared"))
"""


def test_what_orders_cost_is_known_before(enig, nodes: Nodes, tmp_path):
    """`enig cost --network` counts them, their gas and their fees."""
    enig("MPC[\"costs of another\"] = 1")  # so that there is a vault
    vault, chain, hub = find_vaults(nodes.world.hub)[0], nodes.world.chain, nodes.world.hub
    before = chain.block_number()
    status, _, said = enig(COUNTED)
    assert status == 0, said
    plan = compile_file(str(tmp_path / "program.enig"), Sink())
    assert plan is not None
    told = cost_of(plan, "script", network=True)
    topics = [vault_interface().event("Requested").topic]
    requests = chain.logs(vault, topics, before + 1)
    jobs = {int.from_bytes(log.topics[1], "big") for log in requests}
    assert told.orders == len(jobs)
    until(lambda: all(hub.job(job).status != OPEN for job in jobs), "the last one", LONG)
    paid = sum(event.fields["paid"] for event in hub.events(["Settled"]) if event.fields["job"] in jobs)
    assert told.fee is not None and abs(told.fee - paid) <= 0.05 * paid, (told.fee, paid)
    gas = [int(chain.ask("eth_getTransactionReceipt", log.transaction)["gasUsed"], 16) for log in requests]
    assert all(abs(each - REQUEST_GAS) < 0.15 * REQUEST_GAS for each in gas), gas


def test_the_fee_is_what_one_offers(enig):
    status, _, said = enig('identity alice\nas alice: MPC["offered"] = 1', "--fee", "1000")
    assert status == 1 and "error[E0501]" in said and "the fee is 1000: offer more, with --fee" in said, said
    assert enig('identity alice\nas alice: MPC["offered"] = 1', "--fee", "1_000_000_000_000_000")[0] == 0


MANY = """
identity bob
private xs: list[uint16, 50] = [uint16(3 * i) for i in range(20)]
MPC["xs"] = xs
shown = reveal(xs)
print(shown == [3 * i for i in range(20)], reveal(xs[19] > 5))
reveal([x + 1 for x in xs], to=bob)
same: list[uint16, 50] = MPC.declassify("xs")
print(same == shown)
"""


def test_what_is_too_much_for_one_order_goes_in_parts(enig, monkeypatch):
    monkeypatch.setattr("enigmalang.node.network_engine.MOST_TOLD", 48)
    monkeypatch.setattr("enigmalang.node.network_engine.MOST_MASKED", 16)
    status, out, said = enig(MANY)
    assert status == 0, said
    told = ", ".join(str(3 * i + 1) for i in range(20))
    assert out == f"True True\nbob learns [{told}]\nTrue\n"


def test_on_a_real_chain_whose_nodes_keep_entries_is_said(nodes: Nodes):
    """Anybody may put a vault on a hub, with nodes of their choice."""
    chain = connect(str(nodes.world.socket))
    with chain.evm:
        chain.development = False
        with pytest.raises(RemoteError, match="no vault is named") as raised:
            choose_vault(chain, nodes.network(), None, lambda: Keystore().get("alice"))
        assert all(f"--vault {address}" in str(raised.value.help) for address in find_vaults(nodes.world.hub))
        with pytest.raises(RemoteError, match="is no vault"):
            choose_vault(chain, nodes.network(), nodes.world.hub.address, lambda: Keystore().get("alice"))
