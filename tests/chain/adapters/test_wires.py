"""Connections to nodes: the three ways there, and everything that may go wrong on them."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from adapters_support import compiled, data, needs_anvil

from enigmalang.chain.anvil import VARIABLE, Anvil, find_anvil, missing
from enigmalang.chain.client import Chain
from enigmalang.chain.development import fund
from enigmalang.chain.embedded import EmbeddedEvm, faucet_key
from enigmalang.chain.errors import ChainUnreachable, Reverted, RpcError, TransactionRefused
from enigmalang.chain.memory import CHAIN_ID
from enigmalang.chain.rpc import RpcEvm
from enigmalang.chain.server import Server
from enigmalang.chain.wires import Broken, JsonTexts
from enigmalang.ethereum.keys import SigningKey


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def http_node(respond):
    """A node of which `respond(text of the request)` gives status and body; None for a body: the line goes dead."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            status, body = respond(self.rfile.read(int(self.headers["Content-Length"])))
            if body is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/node?key=1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def ipc_node(path, respond):
    """A node on a Unix socket: a message is what arrives at once; `respond` gives bytes, None to hang up."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()

    def run():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                while part := connection.recv(1 << 16):
                    answer = respond(part)
                    if answer is None:
                        break
                    connection.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield str(path)
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def answered(text, result):
    asked = json.loads(text)
    if isinstance(asked, list):
        return json.dumps([{"jsonrpc": "2.0", "id": a["id"], "result": result} for a in reversed(asked)]).encode()
    return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()


@needs_anvil
def test_http_and_websocket_reach_the_same_chain():
    with Anvil(port=free_port()) as anvil:
        places = (anvil.socket, anvil.url, anvil.url.replace("http", "ws"))
        for count, where in enumerate(places):
            with RpcEvm(where) as evm:
                chain = Chain(evm)
                assert chain.id == CHAIN_ID
                assert chain.send(faucet_key(), "0x" + "22" * 20, value=1).block == count + 1
                with pytest.raises(RpcError):
                    evm.request("eth_unheardOf")


@needs_anvil
def test_where_gas_costs_money():
    with Anvil(base_fee=10**9) as anvil, anvil.connect() as evm:
        chain, poor = Chain(evm), SigningKey.generate()
        before = chain.balance(faucet_key().address)
        receipt = chain.send(faucet_key(), "0x" + "22" * 20, value=1)
        paid = before - 1 - chain.balance(faucet_key().address)
        assert paid >= receipt.gas_used * chain.block(receipt.block).base_fee > 0
        with pytest.raises(TransactionRefused):
            chain.send(poor, "0x" + "22" * 20)
        fund(chain, poor.address, 10**17)
        assert chain.send(poor, "0x" + "22" * 20).ok


@needs_anvil
def test_transactions_that_wait_for_a_block():
    with Anvil() as anvil, anvil.connect() as evm:
        chain = Chain(evm, patience=30)
        evm.request("evm_setAutomine", (False,))
        sent = [chain.submit(faucet_key(), "0x" + "22" * 20, value=1) for _ in range(3)]
        assert [each.signed.nonce for each in sent] == [0, 1, 2]
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(chain.wait(sent[2])))
        waiting.start()
        with anvil.connect() as other:
            other.request("evm_mine")
        waiting.join(30)
        assert answers[0].block == chain.wait(sent[0]).block == 1


@needs_anvil
def test_a_revert_that_came_between_estimate_and_block():
    with Anvil() as anvil, anvil.connect() as evm:
        chain = Chain(evm)
        contract = chain.deploy(faucet_key(), compiled()).contract
        with pytest.raises(Reverted, match="unlucky") as caught:
            chain.send(faucet_key(), contract, data("set(uint256)", 13), gas=100_000)
        assert chain.ask("eth_getTransactionReceipt", caught.value.hash)["status"] == "0x0"


@needs_anvil
def test_a_node_that_ends_is_unreachable():
    with Anvil() as anvil:
        evm = anvil.connect()
        assert evm.request("eth_chainId")
    with evm, pytest.raises(ChainUnreachable):
        evm.request("eth_chainId")


@needs_anvil
def test_a_node_ends_with_who_was_killed():
    code = (
        "from enigmalang.chain.anvil import Anvil\n"
        "with Anvil() as anvil:\n    print(anvil.socket, flush=True)\n    input()"
    )
    started = [sys.executable, "-c", code]
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        path = owner.stdout.readline().strip()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(path)
            owner.kill()
            assert connection.recv(1) == b""  # closed: anvil is gone
    shutil.rmtree(Path(path).parent)


@needs_anvil
def test_a_state_file_keeps_the_chain(tmp_path):
    state = tmp_path / "state.json"
    for expected in (1, 2):
        with Anvil(state=state) as anvil, anvil.connect() as evm:
            assert Chain(evm).send(faucet_key(), "0x" + "22" * 20, value=1).block == expected
    assert state.exists()


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}", "ws://127.0.0.1:{port}", "{path}/none.ipc"])
def test_nobody_there(where, tmp_path):
    where = where.format(port=free_port(), path=tmp_path)
    with pytest.raises(ChainUnreachable, match="enig chain up") as caught:
        RpcEvm(where, timeout=5)
    assert caught.value.where == where


@pytest.mark.parametrize(("where", "seen"), [
    ("http://127.0.0.1:{port}/v3/KEY?k=KEY#KEY", "http://127.0.0.1:{port}"),
    ("ws://KEY:KEY@127.0.0.1:{port}/KEY", "ws://127.0.0.1:{port}"), ("http://[::1]:{port}/KEY", "http://[::1]:{port}"),
    ("http://KEY:KEY/KEY", "http://…"), ("http://host:KEY/", "http://…"), ("ftp://host/KEY", "ftp://host"),
    ("ws://host:KEY/", "ws://…"), ("ws://[KEY/", "ws://…"), ("http://[KEY/", "http://…"),
])
def test_keys_in_urls_are_not_shown(where, seen):
    port = free_port()
    with pytest.raises(ChainUnreachable) as caught:
        RpcEvm(where.format(port=port), timeout=5)
    assert "KEY" not in str(caught.value).upper() and "KEY" not in caught.value.where
    assert caught.value.where == seen.format(port=port)


@pytest.mark.parametrize("where", ["ftp://host/", "http://", "http://host:none/"])
def test_no_such_place(where):
    with pytest.raises(ChainUnreachable):
        RpcEvm(where)


@pytest.mark.parametrize(("status", "body"), [
    (502, b"<html>bad gateway</html>"), (200, b"not json"), (200, b'"text"'), (200, b'{"jsonrpc": "2.0", "id": 99}'),
    (200, b"[]"),
])
def test_answers_that_are_none(status, body):
    with http_node(lambda _: (status, body)) as where, RpcEvm(where) as evm, pytest.raises(ChainUnreachable):
        evm.request("eth_chainId")


def test_an_error_with_a_status_of_its_own_is_the_nodes():
    body = b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many requests"}}'
    with http_node(lambda _: (429, body)) as where, RpcEvm(where) as evm, pytest.raises(RpcError, match="too many"):
        evm.request("eth_chainId")


def test_an_error_of_the_whole_message():
    body = b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "unreadable"}}'
    with http_node(lambda _: (200, body)) as where, RpcEvm(where) as evm, pytest.raises(RpcError, match="unreadable"):
        evm.request("eth_chainId")


def test_a_node_that_serves_no_batches_is_asked_one_by_one():
    seen = []

    def respond(text):
        seen.append(json.loads(text))
        if isinstance(seen[-1], list):
            return b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "no batches"}}'
        return answered(text, seen[-1]["method"])

    with http_node(lambda text: (200, respond(text))) as where, RpcEvm(where) as evm:
        for _ in range(2):
            assert evm.batch([("a", ()), ("b", ())]) == ["a", "b"]
    assert [isinstance(message, list) for message in seen] == [True, False, False, False, False]


def test_a_batch_in_any_order():
    def respond(text):
        return json.dumps([{"jsonrpc": "2.0", "id": a["id"], "result": a["method"]}
                           for a in reversed(json.loads(text))]).encode()

    with http_node(lambda text: (200, respond(text))) as where, RpcEvm(where) as evm:
        assert evm.batch([("a", ()), ("b", ()), ("c", ())]) == ["a", "b", "c"]


def test_reading_is_repeated_when_the_connection_was_lost(tmp_path):
    seen = []

    def respond(text):
        seen.append(json.loads(text)["method"])
        return None if len(seen) == 1 else answered(text, "0x1")

    with ipc_node(tmp_path / "n.ipc", respond) as where, RpcEvm(where) as evm:
        assert evm.request("eth_chainId") == "0x1"
    assert seen == ["eth_chainId"] * 2


def test_what_might_act_twice_is_not_repeated(tmp_path):
    seen = []

    def respond(text):
        seen.append(json.loads(text)["method"])

    with ipc_node(tmp_path / "n.ipc", respond) as where, RpcEvm(where) as evm:
        with pytest.raises(ChainUnreachable):
            evm.request("evm_mine")
        with pytest.raises(ChainUnreachable):
            evm.request("eth_sendRawTransaction", ("0x",))
    assert seen == ["evm_mine", "eth_sendRawTransaction", "eth_sendRawTransaction"]


def test_silence_ends(tmp_path):
    with (
        ipc_node(tmp_path / "n.ipc", lambda _: b"") as where, RpcEvm(where, timeout=0.05) as evm,
        pytest.raises(ChainUnreachable, match="no answer in time"),
    ):
        evm.request("eth_chainId")


def test_messages_that_nobody_asked_for_are_passed_over(tmp_path):
    push = b'{"jsonrpc": "2.0", "method": "eth_subscription", "params": {}}\n'
    with ipc_node(tmp_path / "n.ipc", lambda text: push + answered(text, "0x5")) as where, RpcEvm(where) as evm:
        assert evm.request("eth_chainId") == "0x5"


def test_closed_is_closed(tmp_path):
    with ipc_node(tmp_path / "n.ipc", lambda text: answered(text, "0x5")) as where:
        evm = RpcEvm(where)
        evm.close()
        with pytest.raises(ChainUnreachable, match="closed here"):
            evm.request("eth_chainId")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_cut_into_values(size):
    values = [{"a": ["}", '"', {"ü": 1}]}, [1, {"b": "]"}], {}]
    stream = b" \n".join(json.dumps(v, ensure_ascii=False).encode() for v in values)
    texts = JsonTexts()
    for start in range(0, len(stream), size):
        texts.feed(stream[start:start + size])
    assert list(texts.ready) == values


@pytest.mark.parametrize("stream", [b"hello }", b"{1}", b"\xff}", b"5 ]"])
def test_a_stream_that_is_not_json(stream):
    with pytest.raises(Broken):
        JsonTexts().feed(stream)


# ---- the server

@pytest.fixture
def served(tmp_path):
    with Server(EmbeddedEvm(), tmp_path / "run" / "chain.ipc") as server:
        yield server


def test_only_the_same_user_may_connect(served):
    assert served.path.stat().st_mode & 0o777 == 0o600
    assert served.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_path_is_served_once(served):
    with pytest.raises(ChainUnreachable, match="already served"), Server(EmbeddedEvm(), served.path):
        pass
    with RpcEvm(str(served.path)) as evm:
        assert evm.request("eth_chainId") == hex(CHAIN_ID)


def test_a_dead_servers_socket_is_replaced(tmp_path):
    path = tmp_path / "chain.ipc"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    with Server(EmbeddedEvm(), path), RpcEvm(str(path)) as evm:
        assert evm.request("eth_blockNumber") == "0x0"
    assert not path.exists()


def test_the_end_of_the_server_ends_its_connections(tmp_path):
    with Server(EmbeddedEvm(), tmp_path / "chain.ipc") as server:
        evm = RpcEvm(str(server.path))
        assert evm.request("eth_chainId")
    with evm, pytest.raises(ChainUnreachable):
        evm.request("eth_chainId")


@pytest.mark.parametrize(("message", "code"), [
    ({"jsonrpc": "2.0", "id": 1}, -32600), ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600), ([[]], -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": {"a": 1}}, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [1, 2]}, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "eth_unheardOf"}, -32601),
])
def test_requests_that_are_none(served, message, code):
    (answer,) = conversation(served, json.dumps(message).encode())
    assert (answer[0] if isinstance(answer, list) else answer)["error"]["code"] == code


def test_bytes_that_are_no_request(served):
    (answer,) = conversation(served, b"garbage}")
    assert answer["error"]["code"] == -32700


def test_a_notification_gets_no_answer(served):
    first, second = ({"jsonrpc": "2.0", "method": "eth_chainId"}, {"jsonrpc": "2.0", "id": 2, "method": "eth_chainId"})
    (answer,) = conversation(served, json.dumps(first).encode() + json.dumps(second).encode())
    assert answer["id"] == 2


def conversation(server, sent):
    texts = JsonTexts()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(60)
        connection.connect(str(server.path))
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(1 << 16):
            texts.feed(part)
    return list(texts.ready)


def test_threads_share_a_connection(served):
    with RpcEvm(str(served.path)) as evm:
        chain = Chain(evm)
        threads = [
            threading.Thread(target=lambda: [chain.send(faucet_key(), "0x" + "22" * 20, value=1) for _ in range(5)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert chain.balance("0x" + "22" * 20) == 20


# ---- finding anvil

def test_a_named_anvil_that_is_none(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/nonexistent/anvil")
    assert find_anvil() is None
    assert "/nonexistent/anvil" in missing()
    with pytest.raises(ChainUnreachable, match="nonexistent"), Anvil():
        pass


def test_where_anvil_is_looked_for(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_anvil() is None
    assert "npm install" in missing()
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_anvil() == program


def test_an_anvil_that_does_not_start(monkeypatch, tmp_path):
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\necho no such luck\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(program))
    with pytest.raises(ChainUnreachable, match="no such luck"), Anvil():
        pass
