"""An order: one run of a script's circuit at the nodes that serve a vault, as canonical bytes; nothing in it is secret.

The circuit has no `input` nodes. Its handles count, one after the other, the arrays that the client masked, the kept
values that are read, and the places where values are kept. SHA-256 of the bytes is what the request on the chain names:
so the requester has signed for all of it.

What is kept is either a *temporary*, a number of one run of a script (its *session*, the address of a key that signs
all of its orders), or a *leaf* of an entry of `MPC`.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from math import prod

import msgspec
import numpy as np

from enigmalang.circuits.circuit import Array, Circuit, Form, Node
from enigmalang.circuits.effort import chain_rounds, inner_products
from enigmalang.circuits.table import table_of
from enigmalang.wire.arrays import checked_size, decode_array, encode_array
from enigmalang.wire.codec import decode_circuit
from enigmalang.wire.errors import WireError
from enigmalang.wire.typed import Decoder, encode

#: What an order's bytes begin with: told apart from a plan's.
MAGIC = b"enigma order 1\n"
#: Written as hexadecimal digits it goes into a frame that a node takes from a client.
MAX_BYTES = 2_000_000
#: Numbers that are masked in all, and values that are read, kept, forgotten, and written to.
MAX_INPUT, MAX_READS, MAX_KEEPS, MAX_FORGETS, MAX_WRITES = 1 << 17, 1 << 12, 1 << 12, 1 << 16, 32
MAX_RECIPIENTS, MAX_APPROVALS, MAX_ABOUT = 1 << 10, 16, 1024
#: Elements of all values of a circuit, which are what strangers may have nodes hold; of one that is kept, so that a
#: member gets its share back in a frame; and of all that is opened and sealed.
MAX_ELEMENTS, MAX_KEPT, MAX_TOLD = 1 << 25, 1 << 17, 1 << 16
#: Rounds of one operation after another, and multiplications within products of matrices: others have jobs, too.
MAX_ROUNDS, MAX_PRODUCTS = 1 << 16, 1 << 34
SESSION, KEY, SIGNATURE = 20, 32, 65
RUN, DECLASSIFY = "run", "declassify"
#: What an order to declassify may do: large entries are given in parts.
_AS_IT_IS = ("load", "reshape", "take")


class _Part(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all parts."""


class Temporary(_Part, frozen=True, tag="t"):
    """A number of the order's session."""

    number: int


class Leaf(_Part, frozen=True, tag="l"):
    """Leaf `number` of the entry of `MPC` under `key` (`chain.logbook.key_id`, 32 bytes)."""

    key: bytes
    number: int


Place = Temporary | Leaf


class Write(_Part, frozen=True):
    """An entry that is written: all of its leaves are among what is kept. `rule` (32 bytes) is the hub's name of who
    may; `about` says to those who read what there is (type and shapes), in the client's own words.
    """

    key: bytes
    rule: bytes
    about: bytes
    leaves: int


class Erase(_Part, frozen=True):
    """What job `job` wrote to `key` under `rule`, for the requester. It stays where it was written anew since, or where
    the hub's pointer names it."""

    key: bytes
    rule: bytes
    job: int


class Order(_Part, frozen=True):
    """`kind`: RUN or DECLASSIFY. `circuit`: the bytes of `wire.codec`, or empty when nothing is computed. `mask`: the
    mask's name (32 bytes, big endian; `node.reserved.mask_name`), `masked` the arrays of the shapes `inputs` less it,
    as `execute.masks.masked_bytes` has them. `recipients`: X25519 keys that the circuit's outputs refer to. `forgets`:
    temporaries; `closes`: all of them. `number`: which of its session's it is, for an order is requested once.
    """

    kind: str
    session: bytes
    circuit: bytes = b""
    mask: bytes = bytes(32)
    masked: bytes = b""
    inputs: list[list[int]] = []
    reads: list[Place] = []
    keeps: list[Place] = []
    writes: list[Write] = []
    recipients: list[bytes] = []
    forgets: list[int] = []
    erases: list[Erase] = []
    closes: bool = False
    number: int = 0

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the masked arrays."""
        return tuple(tuple(shape) for shape in self.inputs)


class SignedOrder(_Part, frozen=True):
    """The bytes of an order (`core`); signatures of `chain.vault.order_digest`, 65 bytes each: by the session's key,
    and by identities that ask together with the requester.
    """

    core: bytes
    signature: bytes
    approvals: list[bytes] = []


_ORDER: Decoder[Order] = Decoder(Order, "order")
_SIGNED: Decoder[SignedOrder] = Decoder(SignedOrder, "order")


def encode_core(order: Order) -> bytes:
    """What is signed."""
    return encode(order)


def encode_order(signed: SignedOrder) -> bytes:
    """The bytes that are handed over. Raises WireError when they are too many."""
    data = MAGIC + encode(signed)
    if len(data) > MAX_BYTES:
        raise WireError(f"an order of {len(data)} bytes, at most {MAX_BYTES}")
    return data


def order_name(data: bytes) -> bytes:
    """The SHA-256 of an order's bytes: what a request names."""
    return sha256(data).digest()


def is_order(data: bytes) -> bool:
    """Whether the bytes may be an order's."""
    return data.startswith(MAGIC)


def decode_order(data: bytes) -> tuple[SignedOrder, Order]:
    """Canonical bytes of an order whose parts fit together, its circuit apart: see `circuit_of`. Raises WireError."""
    if not is_order(data) or len(data) > MAX_BYTES:
        raise WireError("no order, or a too long one")
    signed = _SIGNED.decode(memoryview(data)[len(MAGIC) :])
    order = _ORDER.decode(signed.core)
    if encode_core(order) != signed.core or MAGIC + encode(signed) != data:
        raise WireError("an order that is not in its canonical form")
    if len(signed.signature) != SIGNATURE or any(len(each) != SIGNATURE for each in signed.approvals):
        raise WireError("a signature of another length")
    _check(order)
    _most(len(signed.approvals), MAX_APPROVALS, "approvals")
    return signed, order


def _check(order: Order) -> None:
    if order.kind not in (RUN, DECLASSIFY):
        raise WireError("an order of no kind")
    if len(order.session) != SESSION or len(order.mask) != KEY:
        raise WireError("a session or a mask's name of another length")
    for items, most, what in ((order.inputs, MAX_READS, "inputs"), (order.reads, MAX_READS, "reads"),
                              (order.keeps, MAX_KEEPS, "keeps"), (order.writes, MAX_WRITES, "writes"),
                              (order.recipients, MAX_RECIPIENTS, "recipients"), (order.erases, MAX_WRITES, "erases"),
                              (order.forgets, MAX_FORGETS, "forgets")):
        _most(len(items), most, what)
    _most(sum(checked_size(shape, "an input") for shape in order.shapes), MAX_INPUT, "numbers")
    if bool(order.inputs) != any(order.mask) or bool(order.masked) != any(map(prod, order.shapes)):
        raise WireError("inputs without a mask, or a mask without inputs")
    for place in (*order.reads, *order.keeps):
        _number(place.number)
        if isinstance(place, Leaf):
            _key(place.key)
    for number in (order.number, *order.forgets):
        _number(number)
    for write in order.writes:
        _key(write.key)
        _key(write.rule)
        _most(len(write.about), MAX_ABOUT, "bytes about an entry")
    for erase in order.erases:
        _key(erase.key)
        _key(erase.rule)
        _number(erase.job)
    _check_keeps(order)
    if order.closes and any(isinstance(place, Temporary) for place in order.keeps):
        raise WireError("a session that is closed keeps nothing")
    if not order.circuit and (order.inputs or order.reads or order.keeps or order.recipients):
        raise WireError("an order for no circuit")
    if order.kind == DECLASSIFY and (order.keeps or order.inputs or not all(
            isinstance(place, Leaf) for place in order.reads)):
        raise WireError("an order to declassify does nothing else")


def _check_keeps(order: Order) -> None:
    """Each place once, and of each entry that is written all leaves."""
    if len(set(order.keeps)) != len(order.keeps) or len({write.key for write in order.writes}) != len(order.writes):
        raise WireError("a place that is written twice")
    leaves = {place for place in order.keeps if isinstance(place, Leaf)}
    if sum(write.leaves for write in order.writes) != len(leaves) or any(
            write.leaves < 1 or write.leaves > MAX_KEEPS for write in order.writes):
        raise WireError("an entry that is written in part")
    if leaves != {Leaf(write.key, number) for write in order.writes for number in range(write.leaves)}:
        raise WireError("an entry that is written in part")


def circuit_of(order: Order) -> Circuit | None:
    """The circuit, checked against the rest of its order; None when there is none. Raises WireError."""
    if not order.circuit:
        return None
    circuit = decode_circuit(order.circuit)
    table, given = table_of(circuit.nodes), len(order.inputs) + len(order.reads)
    if len(table.where("input")):
        raise WireError("an order's circuit takes its inputs by handles")
    for node in loads_of(circuit):
        handle = node.attrs["handle"]
        if not 0 <= handle < given:
            raise WireError("a circuit that loads what its order does not give")
        if handle < len(order.inputs) and (node.form is not Form.ARITH or node.shape != order.shapes[handle]):
            raise WireError("an input of another form or shape")
    if sorted(handle for _, handle in circuit.keeps) != list(range(given, given + len(order.keeps))):
        raise WireError("a circuit that keeps other values than its order")
    shapes = Counter(table.shapes.tolist()).items()
    _most(sum(prod(table.shape_list[shape]) * times for shape, times in shapes), MAX_ELEMENTS, "elements")
    _most(max((circuit.nodes[node].size for node, _ in circuit.keeps), default=0), MAX_KEPT, "elements of a kept value")
    _most(chain_rounds(circuit), MAX_ROUNDS, "rounds")
    _most(inner_products(circuit), MAX_PRODUCTS, "multiplications")
    told = sum(circuit.nodes[node].size for node in (*circuit.opens, *(output.node for output in circuit.outputs)))
    _most(told, MAX_TOLD, "elements to tell")
    if any(not 0 <= output.recipient < len(order.recipients) for output in circuit.outputs):
        raise WireError("an output for nobody")
    if order.kind == DECLASSIFY and (
            circuit.opens or len(order.recipients) != 1 or len(table.where(*_AS_IT_IS)) != len(table)):
        raise WireError("an order to declassify gives stored values to one receiver, and does nothing else")
    return circuit


def loads_of(circuit: Circuit) -> list[Node]:
    """The nodes that load something."""
    table = table_of(circuit.nodes)
    return [table[int(number)] for number in np.asarray(table.where("load")).tolist()]


def _most(count: int, most: int, what: str) -> None:
    if count > most:
        raise WireError(f"an order with {count} {what}, at most {most}")


def _number(number: int) -> None:
    if not 0 <= number < 1 << 63:
        raise WireError("a number out of bounds")


def _key(key: bytes) -> None:
    if len(key) != KEY:
        raise WireError(f"a key of {len(key)} bytes")


# ---- what was opened


class _Opened(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    arrays: list[bytes]


_OPENED: Decoder[_Opened] = Decoder(_Opened, "opened values")


def encode_opened(arrays: Sequence[Array]) -> bytes:
    """What an order opened, in the order of its circuit's `opens`. Raises WireError."""
    return encode(_Opened([encode_array(array) for array in arrays]))


def decode_opened(data: bytes, digest: bytes) -> list[Array]:
    """The inverse of `encode_opened`. Raises WireError when it is not what has the digest that is on the chain."""
    if opened_digest(data) != digest:
        raise WireError("what was opened is not what the chain says")
    return [decode_array(array) for array in _OPENED.decode(data).arrays]


def opened_digest(data: bytes) -> bytes:
    """32 bytes."""
    return sha256(data).digest()
