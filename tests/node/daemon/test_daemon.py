"""A node's daemon: on the hub, among its peers, with its parts, and told of by what it says of itself."""

import json
import threading
import urllib.request
from dataclasses import replace

import pytest
from daemon_running import Echo, up
from daemon_world import ETHER, PARAMETERS, changed, key_of, print_of, until

from enigmalang.chain import development
from enigmalang.chain.anvil import Anvil, find_anvil, missing
from enigmalang.chain.client import Chain
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import ChainUnreachable, Reverted, RpcError
from enigmalang.chain.hub import deploy_hub
from enigmalang.chain.server import Server
from enigmalang.node.daemon.config import Config, with_options
from enigmalang.node.daemon.connection import Misconfigured
from enigmalang.node.daemon.control import ask
from enigmalang.node.daemon.folders import make_folder
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.membership import Ended
from enigmalang.node.daemon.monitor import PortTaken
from enigmalang.node.daemon.registry import read_member
from enigmalang.node.daemon.status import lines
from enigmalang.transport.peering.client import ClientConnection
from enigmalang.transport.peering.contacts import fingerprint
from enigmalang.transport.peering.errors import PeeringError, PeerRefused
from enigmalang.transport.peering.limits import Limits


def member_of(world, daemon):
    return read_member(world.hub, daemon.status()["address"])


def metrics_of(daemon):
    with urllib.request.urlopen(f"http://127.0.0.1:{daemon.status()['monitor']}/metrics") as answer:
        return answer.read().decode()


def knows(daemon, *others):
    """Wait until it has read of them, and of itself."""
    addresses = {other.status()["address"] for other in (daemon, *others)}
    until(lambda: addresses <= {each.address for each in daemon.following.registry.members()}, "reading the hub")


def test_it_registers_itself(world, tmp_path):
    config = world.node(tmp_path)
    with up(config) as daemon:
        member = member_of(world, daemon)
        keys = KeyFolder(tmp_path).open("correct horse")
        assert (member.deposit, member.leaves, member.key) == (ETHER, 0, keys.receiving_public)
        assert member.fingerprint == fingerprint(keys.channel.certificate)
        assert member.endpoint == daemon.endpoint and member.endpoint.startswith("127.0.0.1:")
        assert daemon.health()[0]
    block = world.chain.block_number()
    with up(changed(config, "node", endpoint=member.endpoint)) as daemon:
        assert member_of(world, daemon) == member
    assert world.chain.block_number() == block, "nothing has changed, nothing is sent"


def test_what_changed_is_updated(world, tmp_path):
    config = world.node(tmp_path)
    with up(config) as daemon:
        before = member_of(world, daemon)
    listening = replace(config, node=replace(config.node, listen="127.0.0.1:0"))
    with up(changed(listening, "node", endpoint="node.example:7400", listen="127.0.0.1:0")) as daemon:
        assert member_of(world, daemon) == replace(before, endpoint="node.example:7400")


def test_nodes_talk_and_strangers_do_not(world, tmp_path):
    echo = [Echo(), Echo()]
    with up(world.node(tmp_path / "a"), echo[0]) as ann, up(world.node(tmp_path / "b"), echo[1]) as bob:
        knows(ann, bob)
        knows(bob, ann)
        me, peer = ann.status()["address"], bob.status()["address"]
        channels = echo[0].around.peering
        assert channels.ask(peer, b"\x07hello", 30) == me.encode() + b": hello"
        for body, said in ((b"\x07no", "not that"), (b"\x09x", "nobody here"), (b"", "empty")):
            with pytest.raises(PeerRefused, match=said):
                channels.ask(peer, body, 30)
        status = until(lambda: s if (s := bob.status())["peers"]["connected"] else None, "the connection")
        assert status["peers"]["known"] == 1 and status["peers"]["connected"][0]["address"] == me
        assert status["parts"]["echo"]["text"] == "2 calls"
        (before,) = status["peers"]["connected"]
        channels.ask(peer, b"\x07" + bytes(50_000), 30)
        for way in ("received", "sent"):  # the last bytes that were sent are acknowledged a little later
            until(lambda w=way: 50_000 < bob.status()["peers"]["connected"][0][w] - before[w] < 60_000, f"bytes {way}")
        contact = bob.following.registry.contact(peer)
        with ClientConnection(contact, Limits()) as client:
            assert client.ask(b"\x07hi", 30) == b"client: hi"
        with pytest.raises(PeeringError), ClientConnection(replace(contact, fingerprint=bytes(32)), Limits()) as client:
            client.ask(b"\x07hi", 30)
        text = until(lambda: t if 'l{purpose="client"} 1' in (t := metrics_of(bob)) else None, "the client")
        assert "enig_peers_connected 1\n" in text and "enig_echo_answered 2\n" in text and "enig_healthy 1\n" in text
        counted = [int(line.split()[1]) for line in text.splitlines() if line.startswith("enig_bytes_total{")]
        assert len(counted) == 2 and min(counted) > 50_000
        assert f"enig_deposit_wei {ETHER}\n" in text and f"enig_balance_wei {9 * ETHER}\n" in text


def test_who_was_slashed_is_cut_off(world, tmp_path):
    echo = [Echo(), Echo()]
    world.register("c1")
    world.register("c2")
    with up(world.node(tmp_path / "a"), echo[0]) as ann, up(world.node(tmp_path / "b", "bob"), echo[1]) as bob:
        knows(ann, bob)
        knows(bob, ann)
        committee = world.form("c1", "c2", "bob")
        peer, channels = bob.status()["address"], echo[0].around.peering
        channels.ask(peer, b"\x07hello", 30)
        world.slash(committee, "bob", "c1", "c2")
        until(lambda: "slashed" in bob.status()["standing"], "being told")
        assert not bob.health()[0] and "slashed" in bob.health()[1]["checks"]["hub"]
        until(lambda: not ann.status()["peers"]["connected"], "being cut off")
        with pytest.raises(PeeringError, match="not registered"):
            channels.ask(peer, b"\x07hello", 30)
    with pytest.raises(Ended, match="--rejoin"), up(replace(bob.config)):
        pass
    assert not read_member(world.hub, peer).deposit, "no second deposit by itself"
    with up(bob.config, rejoin=True):
        assert read_member(world.hub, peer).deposit == ETHER


def test_a_new_channel_key_while_it_runs(world, tmp_path):
    echo = [Echo(), Echo()]
    with up(world.node(tmp_path / "a"), echo[0]) as ann, up(world.node(tmp_path / "b"), echo[1]) as bob:
        knows(ann, bob)
        knows(bob, ann)
        peer, channels = bob.status()["address"], echo[0].around.peering
        channels.ask(peer, b"\x07one", 30)
        old = ann.following.registry.contact(peer)
        new = ask(tmp_path / "b", "rotate", 30)
        assert member_of(world, bob).fingerprint.hex() == new != old.fingerprint.hex()
        for daemon in (ann, bob):
            until(lambda d=daemon: d.following.registry.who(bytes.fromhex(new)) == peer, "reading the new key")
        assert channels.ask(peer, b"\x07two", 30).endswith(b"two")
        until(lambda: refused(old), "the old key's end")
        assert bob.status()["channel"]["fingerprint"] == new
    assert fingerprint(KeyFolder(tmp_path / "b").open("correct horse").channel.certificate).hex() == new
    with up(bob.config) as again:
        assert member_of(world, again).fingerprint.hex() == new


def refused(contact):
    try:
        with ClientConnection(contact, Limits()) as client:
            client.ask(b"\x07hi", 30)
    except PeeringError:
        return True
    return False


def test_a_new_key_that_the_hub_took_just_before_the_end(world, tmp_path):
    """As when the process is killed between the transaction and the renaming of the file."""
    config = world.node(tmp_path)
    with up(config) as daemon:
        address, endpoint = daemon.status()["address"], daemon.endpoint
    files = KeyFolder(tmp_path)
    keys = files.open("correct horse")
    prepared = files.prepare(keys)
    world.hub.update(keys.signing, keys.receiving_public, fingerprint(prepared.certificate), endpoint)
    with up(config) as daemon:
        assert daemon.status()["channel"]["fingerprint"] == fingerprint(prepared.certificate).hex()
        registry, port = daemon.following.registry, int(daemon.endpoint.rpartition(":")[2])
        until(lambda: (contact := registry.contact(address)) and contact.port == port, "reading the new endpoint")
        client = ClientConnection(registry.contact(address), Limits())
        with pytest.raises(PeerRefused, match="nobody here"), client:
            client.ask(b"\x01", 30)
    assert files.open("correct horse").channel == prepared


def test_old_keys_are_replaced_by_themselves(world, tmp_path, monkeypatch):
    config = world.node(tmp_path)
    with up(config) as daemon:
        old = member_of(world, daemon).fingerprint
    monkeypatch.setattr("enigmalang.node.daemon.following.age_days", lambda key: 179.0)
    with up(config) as daemon:
        monkeypatch.setattr("enigmalang.node.daemon.following.age_days", lambda key: 181.0)
        until(lambda: member_of(world, daemon).fingerprint != old, "a new key")


def test_money_that_is_missing_is_waited_for(world, tmp_path):
    config = world.node(tmp_path, funds=ETHER // 2)
    with up(config, phase="entering the hub") as daemon:
        said = until(lambda: daemon.following.obstacle, "a word about money")
        assert "has 0.5 ether and needs 1 ether for the deposit: send it 0.5 ether on chain" in said
        assert not daemon.health()[0]
        shown = "\n".join(lines(daemon.status()))
        assert shown.count("send it 0.5 ether") == 1 + shown.count("problems") and "not on the hub: health" in shown
        world.chain.send(faucet_key(), daemon.status()["address"], b"", ETHER)
        until(lambda: daemon.following.phase == "serving", "being registered")
        assert daemon.health()[0] and len([p for p in daemon.log.problems() if "not on the hub" in p.text]) == 1


def test_a_deposit_that_is_too_small(world, tmp_path):
    config = changed(world.node(tmp_path), "node", deposit=5, endpoint="127.0.0.1:0")
    with up(config, phase="entering the hub") as daemon:
        assert "node.deposit in node.toml is 5" in until(lambda: daemon.following.obstacle, "a word")


def test_a_chain_that_is_not_there_at_first(world, tmp_path):
    late = tmp_path / "late.sock"
    config = changed(world.node(tmp_path / "node"), "chain", url=str(late))
    with up(config, phase="waiting for the chain") as daemon:
        until(lambda: daemon.log.problems(), "a word about it")
        well, said = daemon.health()
        assert not well and said["checks"]["chain"] == "not reached yet"
        assert "not reached yet" in "\n".join(lines(daemon.status()))
        with pytest.raises(RpcError, match="not reached yet"):
            ask(tmp_path / "node", "claim", 30)
        with Server(world.evm, late):
            until(lambda: daemon.following.phase == "serving", "finding the chain")
            assert [p.level for p in daemon.log.problems()] == ["warning"], "said once"
        until(lambda: len(daemon.log.problems()) == 2, "missing the chain")
        assert daemon.following.phase == "serving" and daemon.health()[0], "it may be away for a moment"
        with Server(world.evm, late):
            block = world.chain.block_number()
            development.advance(world.chain, blocks=1)
            until(lambda: daemon.following.registry.block > block, "finding it again")
        assert len(daemon.log.problems()) <= 3


def test_a_chain_that_begins_anew_and_comes_back(world, tmp_path):
    """As when its node is started without its data, and then with it again."""
    class Switched:
        evm = world.evm

        def request(self, method, params=()):
            return self.evm.request(method, params)

    switched, socket = Switched(), tmp_path / "chain.sock"
    config = changed(world.node(tmp_path / "node"), "chain", url=str(socket))
    with Server(switched, socket), up(config, Echo()) as daemon:
        address, registry = daemon.status()["address"], daemon.following.registry
        until(lambda: registry.member(address), "reading itself")
        with EmbeddedEvm() as switched.evm:
            until(lambda: any("there is no hub" in problem.text for problem in daemon.log.problems()), "a word")
            until(lambda: registry.member(address) is None, "forgetting what is not there any more")
            assert daemon.status()["phase"] == "serving"
        switched.evm = world.evm
        until(lambda: registry.member(address), "reading itself again")
        until(lambda: daemon.status()["standing"] == "active" and daemon.health()[0], "being well")


def test_it_can_be_stopped_while_it_waits_for_the_chain(world, tmp_path):
    config = changed(world.node(tmp_path / "node"), "chain", url=str(tmp_path / "none.sock"))
    with up(config, phase="waiting for the chain") as daemon:
        assert isinstance(ask(tmp_path / "node", "stop", 30), int)
        daemon.stop.wait()


def test_it_can_be_stopped_while_a_transaction_waits_for_its_confirmations(world, tmp_path):
    config = world.node(tmp_path, confirmations=5)
    with up(config, phase="entering the hub") as daemon:
        until(lambda: world.hub.node(daemon.status()["address"]).deposit, "the transaction")
    assert not any("is not waited for" in problem.text for problem in daemon.log.problems())
    development.advance(world.chain, blocks=5)
    with up(changed(config, "node", endpoint=member_of(world, daemon).endpoint)):
        assert len(world.hub.events(["Registered"])) == 1


@pytest.mark.parametrize("options, said", [({"hub": faucet_key().address}, "there is no hub at"),
                                           ({"id": 5}, "chain.id = 5")])
def test_the_wrong_chain(world, tmp_path, options, said):
    config = world.node(tmp_path)
    with pytest.raises(Misconfigured, match=said), up(changed(config, "chain", **options)):
        pass


def test_ports_that_are_taken(world, tmp_path):
    with up(world.node(tmp_path / "a")) as daemon:
        taken = daemon.status()["monitor"]
        config = world.node(tmp_path / "b")
        with pytest.raises(PortTaken, match=f"{taken}.*monitor"), up(changed(config, "monitor", port=taken)):
            pass
        with pytest.raises(Misconfigured, match=r"cannot listen at 127\.0\.0\.1"), up(
                changed(config, "node", endpoint=f"127.0.0.1:{taken}")):
            pass


def test_leaving(world, tmp_path):
    config = world.node(tmp_path)
    with up(config) as daemon:
        address = daemon.status()["address"]
        with pytest.raises(RpcError, match="has not given notice"):
            ask(tmp_path, "withdraw", 30)
        until_ = ask(tmp_path, "leave", 30)
        assert read_member(world.hub, address).leaves == until_ == ask(tmp_path, "leave", 30)
        until(lambda: daemon.status()["standing"] == "leaving", "the notice")
        assert "its notice ends" in "\n".join(lines(daemon.status()))
        development.advance(world.chain, seconds=PARAMETERS.unbonding + 1)
        assert ask(tmp_path, "withdraw", 30) == str(ETHER)
        until(lambda: "withdrawn" in daemon.status()["standing"], "being told")
    with pytest.raises(Ended, match="has withdrawn"), up(config):
        pass


def test_claiming(world, tmp_path):
    for name in ("c1", "c2"):
        world.register(name)
    with up(world.node(tmp_path, "bob")) as daemon:
        assert ask(tmp_path, "claim", 30) == "0"
        world.slash(world.form("c1", "c2", "bob"), "c1", "c2", "bob")
        until(lambda: daemon.status()["owed"] == str(ETHER // 2), "the share of the deposit")
        assert daemon.status()["committees"] == [1]
        assert ask(tmp_path, "claim", 30) == str(ETHER // 2) and world.hub.owed(key_of("bob").address) == 0


def test_another_process_with_the_same_key(world, tmp_path):
    with up(world.node(tmp_path)) as daemon:
        keys = KeyFolder(tmp_path).open("correct horse")
        world.hub.update(keys.signing, keys.receiving_public, print_of("other"), "elsewhere:1")
        until(lambda: any("another process" in p.text for p in daemon.log.problems()), "a word about it")


def test_parts_begin_in_order_and_end_in_the_other(world, tmp_path):
    order = []

    class Second(Echo):
        name, topic = "second", 8

        def start(self, around):
            order.append("second starts")

        def stop(self, seconds):
            order.append("second stops")
            assert seconds > 0

        def metrics(self, metrics):
            pass

    class First(Echo):
        def start(self, around):
            super().start(around)
            order.append("first starts")

        def stop(self, seconds):
            super().stop(seconds)
            order.append("first stops")

    first = First()
    with up(world.node(tmp_path), first, Second()) as daemon:
        assert list(daemon.status()["parts"]) == ["echo", "second"] and not first.around.stop.is_set()
        assert first.around.folder == tmp_path / "data" and first.around.folder.is_dir()
        (first.around.folder / "file").write_bytes(bytes(1000))
        assert daemon.status()["stored_bytes"] == 1000
        first.wrong = "no disk"
        assert daemon.health() == (False, {"phase": "serving", "checks": {
            "chain": "ok", "hub": "ok", "echo": "no disk", "second": "ok"}})
        text = "\n".join(lines(daemon.status()))
        assert "echo: no disk" in text and "echoing" in text
    assert order == ["first starts", "second starts", "second stops", "first stops"]
    assert 0 < first.seconds <= 10


def test_a_part_whose_start_meets_a_silent_chain_is_started_again(world, tmp_path):
    tries = []

    def hook(part):
        tries.append(part)
        if len(tries) == 1:
            raise ChainUnreachable("there", "silent", "")

    first, second = Echo(), Echo(hook)
    second.topic, second.name = 8, "other"
    second.start = lambda around: (hook(second), setattr(second, "around", around))
    second.metrics = lambda metrics: None
    with up(world.node(tmp_path), first, second) as daemon:
        assert first.calls == ["start"] and len(tries) == 2 and list(daemon.status()["parts"]) == ["echo", "other"]


def test_a_part_that_cannot_start_ends_the_node(world, tmp_path):
    def hook(part):
        raise OSError(28, "No space left on device")

    config = changed(world.node(tmp_path), "log", file="node.log")
    with pytest.raises(OSError, match="No space left"), up(config, Echo(hook)):
        pass
    assert "ended reason=" in (tmp_path / "node.log").read_text().splitlines()[-1]
    assert not (tmp_path / "control.sock").exists()


def test_status_is_json_and_lines(world, tmp_path):
    with up(world.node(tmp_path)) as daemon:
        status = ask(tmp_path, "status", 30)
        assert json.loads(json.dumps(daemon.status())).keys() == status.keys()
        text = "\n".join(lines(status))
        for part in ("standing   active", "deposit 1 ether, owed 0 wei, balance 9 ether", "serves     nothing yet",
                     f"hub        {world.hub.address}", "jobs       0 under way, 0 done, 0 failed, 0 refused",
                     "peers      0 connected of 0"):
            assert part in text, text


def test_no_secret_is_ever_logged(world, tmp_path):
    """A run with all that a node does, at the highest level, and every thread's name."""
    config = changed(world.node(tmp_path), "log", level="debug", file="node.log", format="json")
    keys = KeyFolder(tmp_path).open("correct horse")
    with up(config, Echo()) as daemon:
        ask(tmp_path, "rotate", 30)
        ask(tmp_path, "leave", 30)
        with pytest.raises((RpcError, Reverted)):
            ask(tmp_path, "withdraw", 30)
        shown = json.dumps(daemon.status()) + metrics_of(daemon) + repr(daemon.config) + repr(keys)
        shown += " ".join(thread.name for thread in threading.enumerate())
    new = KeyFolder(tmp_path).open("correct horse")
    text = (tmp_path / "node.log").read_text() + shown
    assert text.count('"event"') > 8
    for secret in (keys.signing.reveal(), keys.storage, keys.receiving.private_bytes_raw(), keys.channel.pem,
                   new.channel.pem):
        for form in (secret.hex(), str(secret)[2:-1], str(int.from_bytes(secret, "big"))):
            assert form not in text
    assert "correct horse" not in text and "PRIVATE" not in text


@pytest.mark.skipif(find_anvil() is None, reason=missing())
def test_on_a_chain_where_gas_costs(tmp_path):
    with Anvil(base_fee=10**9) as anvil, anvil.connect() as evm:
        chain = Chain(evm)
        hub = deploy_hub(chain, faucet_key(), PARAMETERS)
        config = with_options(Config(tmp_path / "node"), "chain", url=anvil.socket, hub=hub.address, poll_seconds=0.02)
        config = with_options(config, "node", endpoint="127.0.0.1:0")
        keys = make_folder(with_options(config, "monitor", port=0), "correct horse", None, 2)
        chain.send(faucet_key(), keys.address, b"", ETHER)
        with up(config, phase="entering the hub") as daemon:
            said = until(lambda: daemon.following.obstacle, "a word about money")
            assert "for the deposit and about" in said and "for gas" in said
            chain.send(faucet_key(), keys.address, b"", ETHER)
            until(lambda: daemon.following.phase == "serving", "being registered")
            assert hub.node(keys.address).deposit == ETHER and 0 < chain.balance(keys.address) < ETHER
            ask(tmp_path / "node", "rotate", 30)
            assert hub.node(keys.address).fingerprint.hex() == daemon.status()["channel"]["fingerprint"]
