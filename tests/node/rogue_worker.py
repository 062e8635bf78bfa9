"""A worker that breaks the rules in one stated way: `rogue_worker.py MODE --node K`. Used by the fault tests."""

import itertools
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from enigmalang.node import worker
from enigmalang.transport.tls import TlsNetwork
from enigmalang.wire import messages as msg

MODE = sys.argv[1]
#: The exchange that is spoiled: after the agreement of keys and of the first run.
SPOILED = 3
_count = itertools.count()
_exchange = TlsNetwork.exchange
_reply = worker.Worker._reply


def spoil(network: TlsNetwork, tag: int, sends: Mapping[int, Any], expects: Mapping[int, int]) -> Any:
    if next(_count) >= SPOILED:
        if MODE == "length":
            sends = {peer: bytes(body) + b"!" for peer, body in sends.items()}
        elif MODE == "tag":
            for peer, body in sends.items():
                network._senders[peer].send(tag + 1, body)
            sends = {}
        elif MODE == "unreduced":
            sends = {peer: b"\xff" * len(body) for peer, body in sends.items()}
        elif MODE == "hang":
            time.sleep(3600)
        elif MODE == "record":
            with open(os.environ["ROGUE_FILE"], "ab") as file:
                for body in sends.values():
                    file.write(len(body).to_bytes(8, "little") + bytes(body))
        elif MODE == "bug":
            raise ZeroDivisionError("a bug in a protocol, with the share 4711")
    return _exchange(network, tag, sends, expects)


def reply(self: worker.Worker, message: msg.Reply) -> None:
    if MODE == "garbage" and isinstance(message, msg.Masks):
        with self._reply_lock:
            self._replies.send(7, os.urandom(64))
        return
    if MODE == "openings" and isinstance(message, msg.Done):
        message = msg.Done(message.number, [data[:-1] + b"\x55" for data in message.opened], message.sealed)
    if MODE == "masks" and isinstance(message, msg.Masks):
        message = msg.Masks(message.number, [bytes(len(share)) for share in message.shares])
    if MODE == "few counters" and isinstance(message, msg.Stats):
        message = msg.Stats(message.number, {}, {})
    if MODE == "more counters" and isinstance(message, msg.Stats):
        message = msg.Stats(message.number, message.counters | {"surprise": 1}, {})
    if MODE == "stale" and isinstance(message, msg.Masks):
        message = msg.Masks(message.number + 1, message.shares)
    _reply(self, message)


def main() -> None:
    if MODE == "silent":
        time.sleep(3600)
    if MODE == "noise":
        os.write(1, b"Hello, here is node 3!\n" * 100)
        time.sleep(3600)
    if MODE == "killed":  # after it introduced itself
        worker._detach = lambda: os.kill(os.getpid(), signal.SIGKILL)
    if MODE == "killed when linked":
        worker.Worker.serve = lambda self: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment,method-assign,return-value]
    if MODE == "exit":
        sys.exit(3)
    TlsNetwork.exchange = spoil  # type: ignore[method-assign]
    worker.Worker._reply = reply  # type: ignore[method-assign]
    worker.main(sys.argv[2:])


main()
