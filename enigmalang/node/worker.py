"""One node of a cluster, as one process: `python -m enigmalang.node.worker --node 2`.

Start-up: read who we are from stdin, make a key pair, tell port and certificate through stdout, read the
registry of all members, link up with them (TLS 1.3, pinned certificates), report ready, agree keys. Meanwhile a
thread loads the protocols and their kernels. From there on requests come over the coordinator's link.

Three threads then: the main thread executes; one reads requests, and ends the process when the coordinator's
link closes; one sends heartbeats. The process also ends with its parent thread (Linux) and by SIGTERM.
SIGINT is the parent's business.
"""

import gc
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from enigmalang.node.faults import describe_bug
from enigmalang.node.pipes import GAVE_UP, read_frame, write_frame
from enigmalang.transport.identity import new_key
from enigmalang.transport.links import PeerGone, ReceiveLink, SendLink
from enigmalang.transport.mesh import Listener, connect
from enigmalang.transport.network import PeerError
from enigmalang.transport.tls import TlsNetwork
from enigmalang.wire import messages as msg
from enigmalang.wire.errors import WireError

if TYPE_CHECKING:
    from enigmalang.node.serving import Service
    from enigmalang.node.session import Session

COORDINATOR = 0
#: Seconds between two heartbeats.
BEAT = 0.25
#: What a request of so many seconds leaves in the heap is handed back when nothing is asked for PAUSE seconds: after
#: shorter ones new pages for the next would take too large a part of its time.
LONG, PAUSE = 0.5, 0.1


@dataclass(frozen=True, slots=True)
class _Input:
    """An input, announced and received."""

    announced: msg.Input
    masked: memoryview


class Worker:
    """The node after start-up: its links, and the loop that serves requests."""

    def __init__(
        self,
        boot: msg.Bootstrap,
        network: TlsNetwork,
        requests: ReceiveLink,
        replies: SendLink,
        loading: threading.Thread,
        fingerprints: tuple[bytes, ...] = (),
    ) -> None:
        """`fingerprints`: SHA-256 of all nodes' certificates, in order."""
        self._boot = boot
        self._network = network
        self._requests = requests
        self._replies = replies
        self._loading = loading
        self._fingerprints = fingerprints
        self._service: Service | None = None
        self._reply_lock = threading.Lock()  # the main thread and the heartbeat thread both reply
        self._replied = 0
        self._queue: SimpleQueue[msg.Request | _Input | Exception] = SimpleQueue()
        self._large = False  # what was asked last took long

    def serve(self) -> NoReturn:
        """Report ready, load the protocols, agree keys, then answer requests until the coordinator goes, or one fails:
        after a failure the nodes may stand at different places of their streams, so nothing is computed any more.
        """
        for target in (self._read_requests, self._beat):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        self._reply(msg.Ready())
        try:
            self._serve()
        except PeerError as error:
            self._reply(msg.fault(error.peer, error.reason, isinstance(error, PeerGone)))
        except WireError as error:
            self._reply(msg.fault(0, str(error)))
        except Exception as error:  # noqa: BLE001 — a node that fails must say so, and nothing else
            self._reply(msg.fault(0, describe_bug(error)))
        self._linger()

    def _serve(self) -> NoReturn:
        self._loading.join()
        from enigmalang.node.session import Session

        session = Session(self._boot.field, self._boot.threshold, self._network)
        gc.freeze()  # what is loaded stays; and circuits are many small objects without cycles
        gc.set_threshold(100_000, 20, 20)
        while True:
            self._answer(session)

    def _answer(self, session: "Session") -> None:
        request = self._next()
        began = time.monotonic()
        self._do(session, request)
        self._large = time.monotonic() - began > LONG

    def _next(self) -> "msg.Request | _Input | Exception":
        if self._large:
            with suppress(Empty):
                return self._queue.get(timeout=PAUSE)
            from enigmalang.mpc import heap

            heap.trim(heap.LARGE)
        return self._queue.get()

    def _do(self, session: "Session", request: "msg.Request | _Input | Exception") -> None:
        if isinstance(request, Exception):
            raise request
        if isinstance(request, _Input):
            if self._service is not None:
                raise WireError("an input to a node that serves a ledger")
            session.take(request.announced, request.masked)
            return
        if isinstance(request, msg.Enlist) and self._service is None:
            self._service = self._serving(session)
        reply = session.answer(request) if self._service is None else self._service.answer(request)
        if reply is not None:
            self._reply(reply)

    def _serving(self, session: "Session") -> "Service":
        """From now on this node computes for a ledger, and runs no circuit that it did not make."""
        from enigmalang.node.serving import Service
        from enigmalang.node.sitting import Peers

        boot = self._boot
        return Service(session, Peers(boot.node, boot.threshold, boot.field, self._fingerprints))

    def _linger(self) -> NoReturn:
        # A fault was reported. Links stay open, so that no other node takes us for the culprit.
        while True:
            self._queue.get()

    def _reply(self, reply: msg.Reply) -> None:
        body = msg.encode_message(reply)
        with self._reply_lock:
            self._replied += 1
            try:
                self._replies.send(self._replied, body)
            except PeerError:
                os._exit(0)  # the coordinator is gone

    def _read_requests(self) -> None:
        while True:
            body = self._received()
            try:
                request = msg.decode_request(body)
            except Exception as error:  # noqa: BLE001 — told by the executing thread
                self._queue.put(error)
                continue
            del body  # it may be large, and the next one may be long in coming
            self._queue.put(_Input(request, self._received()) if isinstance(request, msg.Input) else request)
            del request

    def _received(self) -> memoryview:
        try:
            return self._requests.receive_any()[1]
        except PeerError:
            os._exit(0)  # the coordinator is gone: nobody needs an orderly end

    def _beat(self) -> None:
        from enigmalang.fields.warm import looks

        while True:
            time.sleep(BEAT)
            self._reply(msg.Heartbeat(self._network.rounds + worked() + looks(), self._network.waiting_for))


def start(node: int) -> Worker:
    """Everything up to the links. Raises EOFError, BrokenPipeError, WireError or PeerError: the process
    should end."""
    loading = threading.Thread(target=_load, name="load", daemon=True)
    loading.start()
    boot = msg.decode_as(msg.Bootstrap, read_frame(sys.stdin.fileno()))
    if boot.version != msg.VERSION or boot.node != node:
        raise WireError(f"bootstrap of version {boot.version} for node {boot.node}, this is node {node}")
    deadline = time.monotonic() + boot.timeout
    key = new_key(f"enigmalang node {node}")
    listener = Listener()
    introduction = msg.Introduction(msg.Member(node, listener.port, key.certificate))
    write_frame(sys.stdout.fileno(), msg.encode_message(introduction))
    registry = msg.decode_as(msg.Registry, read_frame(sys.stdin.fileno()))
    _detach()
    others = {m.number: (m.port, m.certificate) for m in registry.members if m.number != node}
    if others.keys() | {node} != set(range(boot.nodes + 1)):
        raise WireError("the registry does not hold every member")
    senders, receivers = connect(node, key, listener, others, deadline)
    listener.close()
    replies, requests = senders.pop(COORDINATOR), receivers.pop(COORDINATOR)
    certificates = {m.number: m.certificate for m in registry.members} | {node: key.certificate}
    network = TlsNetwork(node, boot.nodes, senders, receivers)
    return Worker(boot, network, requests, replies, loading, tuple(
        sha256(certificates[number]).digest() for number in range(1, boot.nodes + 1)))


def worked() -> int:
    """Units of 5 ms that all threads but the calling one computed: loading, receiving and compiling are work too."""
    return int((time.process_time() - time.thread_time()) * 200)


def _load() -> None:
    # Half a second of modules, and the kernels: nobody should wait for the links first.
    from enigmalang.fields import warm
    from enigmalang.node import session  # noqa: F401

    warm()


def _detach() -> None:
    # From here on the links are all that connects us. A stray print goes nowhere, and neither does Python's
    # account of an error, which might quote a share.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _settle() -> None:
    # How the process behaves towards the system: signals, death with its parent, no core dumps of shares.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def main(arguments: list[str]) -> NoReturn:
    """`arguments`: `--node K`, only there to be seen in `ps`; all else comes through stdin."""
    if len(arguments) != 2 or arguments[0] != "--node" or not arguments[1].isdigit():
        sys.exit("enigmalang.node.worker is started by a cluster: --node K")
    _settle()
    try:
        worker = start(int(arguments[1]))
    except (EOFError, BrokenPipeError):
        sys.exit(0)  # the parent gave up
    except PeerError:
        sys.exit(GAVE_UP)  # the coordinator misses that peer too
    except Exception as error:  # noqa: BLE001 — no traceback: it would quote values
        sys.exit(f"enigmalang node {arguments[1]}: {describe_bug(error)}")
    worker.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
