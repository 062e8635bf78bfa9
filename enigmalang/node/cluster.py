"""`Cluster`: the engine that the interpreter sees. n worker processes on this machine, and their client.

The process that holds the cluster is coordinator and client at once: it masks the inputs (no node sees
one), tells the nodes what to run, and checks that all of them report the same openings. It holds no share
of any value.
"""

import atexit
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, perf_counter
from typing import Any, TypeVar

from enigmalang.circuits.circuit import Array, Circuit, Form
from enigmalang.execute.ports import EngineError, EngineStats, RunResult, Sealed
from enigmalang.fields import field_named
from enigmalang.mpc.outputs import unseal
from enigmalang.node.blocks import ClientBlock
from enigmalang.node.control import COORDINATOR, Control, NodeFault
from enigmalang.node.idle import Idle
from enigmalang.node.masking import (
    InputsDigest,
    MaskError,
    Slot,
    check_value,
    mask_numbers,
    mask_value,
    needs_input,
)
from enigmalang.node.patience import start_seconds
from enigmalang.node.processes import Processes, WorkerFault
from enigmalang.node.receivers import check_receivers
from enigmalang.node.shipping import Shipment, Shipping
from enigmalang.node.teams import never
from enigmalang.sharing import structure
from enigmalang.sharing.faults import SharingError
from enigmalang.sharing.structure import MAX_PARTIES
from enigmalang.transport.network import PeerError
from enigmalang.wire import messages as msg
from enigmalang.wire.arrays import decode_array
from enigmalang.wire.check import FIELDS
from enigmalang.wire.errors import WireError

M = TypeVar("M", bound=msg.Message)


class Cluster:
    """An `Engine` of `n` worker processes, any `t` of which together learn nothing. One thread runs at a
    time.

    >>> with Cluster.start(nodes=3) as cluster: ...     result = cluster.run(circuit, inputs)
    """

    term = 1  # see `teams.Asked`: a cluster that was lost does not come back

    def __init__(self, n: int, t: int, field: str, timeout: float, workers: Processes | None = None) -> None:
        """Use `start`."""
        self.n = n
        self.t = t
        self.field = field
        self._shape = structure(n, t)
        self._timeout = timeout
        self._processes = workers or Processes(n)
        self._control: Control | None = None
        self._busy = threading.RLock()
        self._closing = threading.Lock()
        self._owner = os.getpid()
        self._number = 0
        self._runs = 0
        self._seconds: dict[str, float] = {}
        self._block = ClientBlock(field, self._shape)
        self._idle = Idle(self._replenish)
        self._failed: EngineError | None = None  # of preprocessing: told to the next user
        self._shipping = Shipping()

    @classmethod
    def start(
        cls,
        nodes: int = 3,
        threshold: int | None = None,
        field: str = "M61",
        timeout: float = 20.0,
        workers: Processes | None = None,
    ) -> "Cluster":
        """Start the workers and wait until they are linked up.

        `threshold` (default: the most possible) is how many nodes may pool what they know and still learn
        nothing. `workers` are as many processes that were started before, and now belong to the cluster.
        `timeout`, in seconds, bounds the start (for more than 9 nodes a ninth of it each), and later the time
        without any progress of a node.
        Raises ValueError for impossible numbers, EngineError when a worker does not come up.
        """
        threshold = check_numbers(nodes, threshold, field, timeout)
        cluster = cls(nodes, threshold, field, timeout, workers)
        atexit.register(cluster.close)
        try:
            cluster._start()
        except (WorkerFault, NodeFault, PeerError, OSError) as error:
            cluster.close()
            raise EngineError(f"the cluster did not start: {error}", "E0705") from None
        except BaseException:
            cluster.close()
            raise
        return cluster

    def _start(self) -> None:
        began = perf_counter()
        self._processes.start()
        self._control = Control(self.n, self.t, self.field, self._processes, self._timeout)
        self._control.connect(monotonic() + start_seconds(self.n, self._timeout))
        self._seconds["start"] = perf_counter() - began
        if not self._shape.wide:  # where one computer runs ten nodes, no step is short
            self._idle.start()

    @property
    def pids(self) -> dict[int, int]:
        """Process ids by node number."""
        return self._processes.pids

    @property
    def closed(self) -> bool:
        return self._control is None

    def failure(self) -> str | None:
        """What ended the cluster, or will as soon as it is used: a worker that is gone. None while all is well."""
        if self._failed is not None:
            return str(self._failed)
        if self._control is None:
            return "the cluster is closed"
        gone = next((node for node in self.pids if self._processes.exited(node)), None)
        return None if gone is None else f"node {gone}: {self._processes.describe_exit(gone)}"

    # --- the Engine port ---

    def run(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes] = (),
            handles: Sequence[int] | None = None) -> RunResult:
        """See `Engine.run`. Raises ValueError, before anything is sent, for a circuit or inputs that do not
        fit; EngineError names the node that failed, and the cluster is closed.
        """
        shipment = self._prepared(circuit, inputs, recipients)
        with self._using() as control:
            return self._run(control, shipment, inputs, (list(recipients), list(handles or ())))

    def reserve(self, size: int) -> tuple[int, Array]:
        """See `Engine.reserve`."""
        slot = Slot((size,), False)
        with self._using() as control:
            number = self._next()
            control.send_all(msg.Reserve(number, size))
            told = {node: b"".join(reply.shares) for node, reply in control.collect(msg.Masks, number).items()}
            return number, mask_numbers(slot, self.field, self._shape, told)

    def admit(self, mask: int, masked: bytes, shapes: Sequence[tuple[int, ...]], handles: Sequence[int]) -> None:
        """See `Engine.admit`."""
        with self._using() as control:
            rows = [list(shape) for shape in shapes]
            control.send_all(msg.Admit(self._next(), mask, masked, rows, list(handles)))

    def unseal(self, sealed: Sealed, private_key: bytes, form_bits: bool) -> Array:
        """See `Engine.unseal`. Local: works on a closed cluster too. Raises EngineError when the pieces
        were not made for this key, or do not fit together.
        """
        pieces = dict(enumerate(sealed.pieces, 1))
        form = Form.BITS if form_bits else Form.ARITH
        try:
            return unseal(pieces, private_key, sealed.shape, form, field_named(self.field), self._shape)
        except SharingError as error:
            raise EngineError(str(error), "E0706") from None

    def ask(self, make: Callable[[int], msg.Message], kind: type[M], enough: Callable[[], str] = never) -> dict[int, M]:
        """See `teams.Asked.ask`: a cluster has one term, so `enough` is not asked. Raises EngineError."""
        with self._using() as control:
            number = self._next()
            control.send_all(make(number))
            return control.collect(kind, number)

    def forget(self, handles: Sequence[int]) -> None:
        """The nodes drop the shares kept under these handles; unknown ones are ignored. Raises EngineError.
        """
        with self._using() as control:
            control.send_all(msg.Forget([int(handle) for handle in handles]))

    def stats(self) -> EngineStats:
        """What was done so far; each number is that of the node with the largest. Raises EngineError."""
        with self._using() as control:
            number = self._next()
            control.send_all(msg.AskStats(number))
            found = control.collect(msg.Stats, number)
            for node, reply in found.items():
                if not reply.counters.keys() == reply.ahead.keys() == set(msg.COUNTERS):
                    raise NodeFault(node, "told other counters than were asked for")
        replies = list(found.values())
        seconds = dict(self._seconds)
        for reply in replies:
            for name, value in reply.seconds.items():
                seconds[name] = max(seconds.get(name, 0.0), value)
        most = {name: max(reply.counters[name] for reply in replies) for name in msg.COUNTERS}
        ahead = {name: max(reply.ahead[name] for reply in replies) for name in msg.COUNTERS}
        return EngineStats(**most, circuits=self._runs, seconds=seconds, ahead=ahead)

    def close(self) -> None:
        """End all workers and wait until they are gone. May be called twice, and from any thread: a `run` in
        another thread then raises EngineError."""
        if os.getpid() != self._owner:
            return  # a fork of the owner: the workers are not ours
        self._idle.stop()
        with self._closing:
            control, self._control = self._control, None
            if control is not None:
                control.close()
            self._processes.end()
            atexit.unregister(self.close)
        self._idle.join()  # it may be closing too

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- one run ---

    def _prepared(self, circuit: Circuit, inputs: Sequence[Array], recipients: Sequence[bytes]) -> Shipment:
        if circuit.field != self.field:
            raise ValueError(f"a circuit over {circuit.field}; this cluster computes over {self.field}")
        shipment = self._shipping.prepared(circuit)
        check_receivers(circuit, recipients)
        for number, slot in shipment.slots.items():
            if number >= len(inputs):
                raise ValueError(f"the circuit has an input {number}, but {len(inputs)} were given")
            check_value(inputs[number], slot, self.field)
        return shipment

    def _run(
        self,
        control: Control,
        shipment: Shipment,
        inputs: Sequence[Array],
        named: tuple[list[bytes], list[int]],
    ) -> RunResult:
        began = perf_counter()
        number, name, slots = self._next(), shipment.digest, shipment.slots
        data, drop = self._shipping.ship(shipment)
        masked = self._block.mask(slots, inputs)
        if masked is not None:
            control.send_all(msg.Job(number, name, data, drop, masked, *named))
        else:
            control.send_all(msg.Prepare(number, name, data, drop))
            masks = control.collect(msg.Masks, number)
            control.send_all(msg.Run(number, self._send_inputs(control, number, slots, inputs, masks), *named))
        masked_at = perf_counter()
        done = control.collect(msg.Done, number)
        result = _result(shipment.circuit, done)
        self._block.renew({node: reply.masks for node, reply in done.items()})
        self._runs += 1
        self._add_seconds("client: ship and mask", masked_at - began)
        self._add_seconds("client: wait for the run", perf_counter() - masked_at)
        return result

    def _replenish(self) -> bool:
        """A step of preprocessing, unless someone uses the cluster; whether there may be more to do now."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            with self._using(ahead=True) as control:
                number = self._next()
                control.send_all(msg.Replenish(number))
                replies = control.collect(msg.Stocked, number)
            return any(reply.more for reply in replies.values())
        except EngineError:
            return False  # told to the next user
        finally:
            self._busy.release()

    def _send_inputs(
        self, control: Control, number: int, slots: Mapping[int, Slot], inputs: Sequence[Array],
        masks: Mapping[int, msg.Masks],
    ) -> bytes:
        """Mask the inputs and send each to the nodes that need it; the digest of all."""
        for node, reply in masks.items():
            if len(reply.shares) != len(slots):
                raise MaskError((node,), f"node {node} told {len(reply.shares)} masks of {len(slots)}")
        members = [node for node in self._shape.parties if needs_input(self._shape, node)]
        sent = InputsDigest()
        for place, (given, slot) in enumerate(slots.items()):
            told = {node: reply.shares[place] for node, reply in masks.items()}
            masked = mask_value(inputs[given], slot, self.field, self._shape, told)
            control.send_input(members, number, masked)
            sent.add(masked)
        return sent.digest()

    # --- small parts ---

    @contextmanager
    def _using(self, ahead: bool = False) -> Iterator[Control]:
        # One user at a time. A fault of a node ends the cluster; so does Ctrl-C, which leaves the nodes in the
        # middle of something. A fault in preprocessing is kept for the next user.
        with self._busy:
            control = self._control
            if control is None:
                failed = self._failed or EngineError("the cluster is closed")
                raise EngineError(str(failed), failed.code)  # another one each time: it says who asked
            try:
                yield control
            except (NodeFault, MaskError) as error:
                self.close()
                failed = EngineError(str(error), error.code)
                if ahead and not (isinstance(error, NodeFault) and error.node == COORDINATOR):
                    self._failed = failed
                raise failed from None
            except BaseException:
                self.close()
                raise
            finally:
                self._idle.used()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _add_seconds(self, name: str, value: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + value


def _result(circuit: Circuit, done: Mapping[int, msg.Done]) -> RunResult:
    for node, reply in done.items():
        if len(reply.opened) != len(circuit.opens) or len(reply.sealed) != len(circuit.outputs):
            raise NodeFault(node, "reported another number of results than the circuit has")
    agreed = _agreed(done)
    opened = [
        _opened(min(done), data, circuit.nodes[number].shape)
        for number, data in zip(circuit.opens, agreed, strict=True)
    ]
    sealed = [
        Sealed(circuit.nodes[output.node].shape, tuple(done[node].sealed[place] for node in sorted(done)))
        for place, output in enumerate(circuit.outputs)
    ]
    return RunResult(tuple(opened), tuple(sealed))


def _agreed(done: Mapping[int, msg.Done]) -> list[bytes]:
    # Openings are public and must be equal everywhere; whoever is alone with another value is named.
    groups: dict[tuple[bytes, ...], list[int]] = {}
    for node in sorted(done):
        groups.setdefault(tuple(done[node].opened), []).append(node)
    (opened, most), *others = sorted(groups.items(), key=lambda group: -len(group[1]))
    if others:
        names = " and ".join(map(str, most))
        raise NodeFault(others[0][1][0], f"reports other openings than node {names}", "E0706")
    return list(opened)


def _opened(node: int, data: bytes, shape: tuple[int, ...]) -> Array:
    try:
        value = decode_array(data)
    except WireError as error:
        raise NodeFault(node, f"reported a malformed value ({error})") from None
    if value.shape != shape:
        raise NodeFault(node, f"reported a value of shape {value.shape}, expected {shape}")
    return value


def check_numbers(nodes: Any, threshold: Any, field: str, timeout: float) -> int:
    """The threshold to use. Raises ValueError, in words for the user, for impossible numbers."""
    if not isinstance(nodes, int) or not 3 <= nodes <= MAX_PARTIES:
        raise ValueError(f"a cluster has 3 to {MAX_PARTIES} nodes, not {nodes}")
    most = (nodes - 1) // 2
    if threshold is None:
        threshold = most
    if not isinstance(threshold, int) or not 1 <= threshold <= most:
        raise ValueError(
            f"threshold {threshold} with {nodes} nodes: it must be between 1 and {most}, "
            f"because fewer than half of the nodes may be dishonest (nodes >= 2 * threshold + 1)"
        )
    if field not in FIELDS:
        raise ValueError(f"unknown field {field!r}; there are {', '.join(FIELDS)}")
    if not timeout > 0:
        raise ValueError(f"a time-out of {timeout} seconds")
    return threshold
