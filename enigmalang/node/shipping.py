"""Which circuits the nodes of a cluster have, so that running one again does not ship it again."""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np

from enigmalang.circuits.circuit import Circuit
from enigmalang.circuits.table import table_of
from enigmalang.node.masking import Slot, slots_of
from enigmalang.wire.codec import digest
from enigmalang.wire.structures import Writer

#: Circuits that the nodes keep, and the bytes of all of them on the wire.
KEPT_CIRCUITS = 256
KEPT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Shipment:
    """A circuit, checked and encoded; its inputs by slot. What is shipped is not held: `data` is empty then.

    `size`: bytes on the wire, or of its arrays here, whichever are more.
    """

    circuit: Circuit
    digest: bytes
    data: bytes
    size: int
    slots: dict[int, Slot]


def _held(circuit: Circuit) -> int:
    """Bytes of its arrays here: long runs of numbers are short on the wire."""
    values = (value for attrs in table_of(circuit.nodes).attr_list for value in attrs.values())
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


class Shipping:
    """Circuits go by identity: whoever runs one again holds it."""

    def __init__(self) -> None:
        self._writer = Writer()
        self._shipped: OrderedDict[int, Shipment] = OrderedDict()  # each holds its circuit: its id stays its own
        self._bytes = 0

    def prepared(self, circuit: Circuit) -> Shipment:
        """Nothing is taken for shipped yet. Raises WireError for a circuit that the nodes would refuse."""
        known = self._shipped.get(id(circuit))
        if known is not None:
            return known
        data = self._writer.write(circuit)
        return Shipment(circuit, digest(data), data, max(len(data), _held(circuit)), slots_of(circuit))

    def ship(self, shipment: Shipment) -> tuple[bytes, list[bytes]]:
        """What to tell the nodes: the circuit's bytes, if they do not have it, and the digests that they forget."""
        key, shipped = id(shipment.circuit), self._shipped
        if key in shipped:
            shipped.move_to_end(key)
            return b"", []
        data = shipment.data or self._writer.write(shipment.circuit)  # shipped and dropped since it was prepared
        shipped[key] = replace(shipment, data=b"")
        self._bytes += shipment.size
        dropped = []
        while len(shipped) > 1 and (len(shipped) > KEPT_CIRCUITS or self._bytes > KEPT_BYTES):
            gone = shipped.popitem(last=False)[1]
            self._bytes -= gone.size
            dropped.append(gone.digest)
        kept = {other.digest for other in shipped.values()} if dropped else set()
        return data, [old for old in dropped if old not in kept]
