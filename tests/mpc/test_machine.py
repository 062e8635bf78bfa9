"""The machine against the evaluator in the clear, on circuits of every operation."""

import secrets
from collections import Counter

import numpy as np
import pytest
from committee import Committee, agreed
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.circuits.circuit import Array, Circuit, Form, Node, Output
from enigmalang.circuits.evaluate import evaluate
from enigmalang.circuits.layers import cut_layers, public_nodes
from enigmalang.fields import M61, field_named
from enigmalang.mpc.bits import b2a
from enigmalang.mpc.compare import ltz
from enigmalang.mpc.machine import MachineError, Result, execute
from enigmalang.mpc.outputs import unseal
from enigmalang.mpc.party import Party
from enigmalang.sharing import ArithShare, Share, structure
from enigmalang.sharing.faults import SharingError
from enigmalang.transport.network import PeerError
from enigmalang.wire.check import check_circuit

A, B = Form.ARITH, Form.BITS


class Build:
    """Nodes in order; `add` gives a node's number."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(self, op: str, args: tuple[int, ...], shape: tuple[int, ...], form: Form, **attrs: object) -> int:
        self.nodes.append(Node(op, args, shape, form, dict(attrs)))
        return len(self.nodes) - 1

    def const(self, value: object, form: Form = A) -> int:
        array = np.array(value)
        return self.add("const", (), array.shape, form, value=array)


def every_operation() -> tuple[Build, list[np.ndarray]]:
    """A circuit that uses each operation, with shared, public and mixed arguments, and its inputs."""
    b = Build()
    x = b.add("input", (), (2, 3), A, slot=0)
    y = b.add("input", (), (3,), A, slot=1)
    z = b.add("input", (), (), A, slot=2)
    f = b.add("input", (), (2, 3), B, slot=3)
    g = b.add("input", (), (3,), B, slot=4)
    k = b.const([[1, -2, 3], [4, 5, -6]])
    k1 = b.const([7, -8, 9])
    h = b.const([1, 0, 1], B)
    for p, q in ((x, y), (x, k), (k1, z), (k, k1)):
        for op in ("add", "sub", "mul"):
            b.add(op, (p, q), np.broadcast_shapes(b.nodes[p].shape, b.nodes[q].shape), A)
    for p, q in ((x, y), (x, k1), (k, y), (k, k1)):
        b.add("dot", (p, q), (2,), A)
    columns = b.add("transpose", (x,), (3, 2), A, axes=(1, 0))
    fixed = b.add("transpose", (k,), (3, 2), A, axes=(1, 0))
    b.add("matmul", (x, columns), (2, 2), A)
    b.add("matmul", (k, columns), (2, 2), A)
    b.add("matmul", (x, fixed), (2, 2), A)
    for p in (x, k):
        b.add("neg", (p,), (2, 3), A)
        b.add("scale", (p,), (2, 3), A, factor=np.array(-5))
        b.add("scale", (p,), (2, 3), A, factor=np.array([1, 2, -3]))
        b.add("sum", (p,), (3,), A, axis=0)
        b.add("sum", (p,), (2,), A, axis=-1)
        b.add("cumsum", (p,), (2, 3), A)
    for p, q in ((f, g), (f, h), (h, g), (h, h)):
        shape = np.broadcast_shapes(b.nodes[p].shape, b.nodes[q].shape)
        both = b.add("and", (p, q), shape, B)
        b.add("xor", (p, q), shape, B)
        b.add("not", (both,), shape, B)
        b.add("xor", (both, h), shape, B)
    for p, q, form in ((x, k, A), (f, f, B), (k, k, A)):
        b.add("reshape", (p,), (3, 2), form)
        b.add("broadcast", (p,), (4, 2, 3), form)
        b.add("take", (p,), (2, 2), form, indices=np.array([2, 0]), axis=1)
        b.add("take", (p,), (2, 2, 3), form, indices=np.array([[1, 0], [0, -1]]), axis=0)
        b.add("transpose", (p,), (3, 2), form, axes=(1, 0))
        b.add("concat", (p, q, p), (2, 9), form, axis=1)
        b.add("concat", (p, q), (4, 3), form, axis=0)
    rows = b.const([[10, 11, 12], [13, 14, 15]])
    b.add("put", (x, rows), (2, 3), A, indices=np.array([1, 0]))
    b.add("put", (rows, y), (2, 3), A, indices=np.array([1]))
    b.add("put", (f, h), (2, 3), B, indices=np.array([0]))
    b.add("put", (f, g), (2, 3), B, indices=np.array([1]))
    for p in (x, y, z, k):
        shape = b.nodes[p].shape
        less = b.add("ltz", (p,), shape, B)
        b.add("eqz", (p,), shape, B)
        b.add("b2a", (less,), shape, A)
        b.add("shr", (p,), shape, A, f=3, mode="exact")
        b.add("divc", (p,), shape, A, divisor=7)
        b.add("divc", (p,), shape, A, divisor=8)
    b.add("b2a", (h,), (3,), A)
    c = b.add("b2a", (g,), (3,), A)
    b.add("select", (c, x, k), (2, 3), A)
    b.add("select", (c, k, k1), (2, 3), A)
    b.add("select", (b.const([1, 0, 1]), x, y), (2, 3), A)
    square = b.add("mul", (x, x), (2, 3), A)
    b.add("a2b", (square,), (2, 3, 20), B, bits=20)
    b.add("divmod", (square, c), (2, 2, 3), A, bits=20)
    b.add("divmod", (square, b.const([3, 5, 0])), (2, 2, 3), A, bits=20)
    inputs = [
        np.array([[5, -7, 0], [100, -99, 3]]),
        np.array([-1, 0, 12]),
        np.array(-4),
        np.array([[True, False, True], [False, False, True]]),
        np.array([True, True, False]),
    ]
    return b, inputs


def shares_of(committee: Committee, values: list[np.ndarray]) -> list:
    return [committee.deal_bits(v.reshape(v.shape)) if v.dtype == bool else committee.deal(v) for v in values]


def run(committee: Committee, circuit: Circuit, inputs: list[np.ndarray]) -> list[Result]:
    dealt = shares_of(committee, inputs)

    def body(party: Party) -> Result:
        return execute(party, circuit, {i: give(party) for i, give in enumerate(dealt)}, {}, digest=bytes(32))

    return committee.run(body)


def plain(values: tuple[Array, ...]) -> list:
    return [value.tolist() for value in values]


def test_every_operation(committee: Committee) -> None:
    b, inputs = every_operation()
    circuit = Circuit(committee.field.name, tuple(b.nodes), opens=tuple(range(len(b.nodes))))
    check_circuit(circuit)
    expected = evaluate(circuit, inputs, {})
    got = agreed([plain(result.opened) for result in run(committee, circuit, inputs)])
    for number, node in enumerate(b.nodes):
        assert got[number] == expected[number].tolist(), (number, node)


def test_opened_types() -> None:
    b = Build()
    x = b.add("input", (), (2,), A, slot=0)
    b.add("ltz", (x,), (2,), B)
    for name, dtype in (("M61", np.int64), ("M127", object)):
        circuit = Circuit(name, tuple(b.nodes), opens=(0, 1, 0))
        results = run(Committee(3, 1, field_named(name)), circuit, [np.array([-3, 4])])
        assert [v.dtype for v in results[0].opened] == [dtype, np.bool_, dtype]
        assert plain(results[0].opened) == [[-3, 4], [True, False], [-3, 4]]


def random_circuit(field: str) -> Circuit:
    """Thirty operations over random earlier nodes; values stay small: at most three are multiplied together."""
    b = Build()
    for slot in range(3):
        b.add("input", (), (4,), A, slot=slot)
    b.const([1, 2, 3, 4])
    weight = {0: 1, 1: 1, 2: 1, 3: 1}  # of integer nodes: bounds log2 |v| / 8
    flags: list[int] = []
    for _ in range(30):
        p, q = (list(weight)[secrets.randbelow(len(weight))] for _ in range(2))
        op = ("add", "sub", "mul", "ltz", "eqz", "neg", "and")[secrets.randbelow(7)]
        if op in ("add", "sub") and max(weight[p], weight[q]) < 6:
            weight[b.add(op, (p, q), (4,), A)] = max(weight[p], weight[q]) + 1
        elif op == "mul" and weight[p] + weight[q] <= 6:
            weight[b.add(op, (p, q), (4,), A)] = weight[p] + weight[q]
        elif op in ("ltz", "eqz"):
            flags.append(b.add(op, (p,), (4,), B))
            weight[b.add("b2a", (flags[-1],), (4,), A)] = 1
        elif op == "neg":
            weight[b.add(op, (p,), (4,), A)] = weight[p]
        elif op == "and" and flags:
            flags.append(b.add(op, (flags[0], flags[-1]), (4,), B))
    return Circuit(field, tuple(b.nodes), opens=tuple(range(4, len(b.nodes))))


def test_random_circuits(three: Committee) -> None:
    """Circuits nobody thought of."""
    for _ in range(10):
        circuit = random_circuit(three.field.name)
        inputs = [np.array([secrets.randbelow(200) - 100 for _ in range(4)]) for _ in range(3)]
        expected = evaluate(circuit, inputs, {})
        got = agreed([plain(result.opened) for result in run(three, circuit, inputs)])
        assert got == [expected[i].tolist() for i in circuit.opens]


def test_kept_shares_and_sealed_outputs(committee: Committee) -> None:
    b = Build()
    x = b.add("input", (), (3,), A, slot=0)
    f = b.add("ltz", (x,), (3,), B)
    first = Circuit(committee.field.name, tuple(b.nodes), keeps=((x, 5), (f, 9)))
    again = Build()
    kept = again.add("load", (), (3,), A, handle=5)
    flags = again.add("load", (), (3,), B, handle=9)
    double = again.add("add", (kept, kept), (3,), A)
    known = again.const([1, 2, 3])
    outputs = tuple(Output(node, 1) for node in (double, flags, known))
    second = Circuit(committee.field.name, tuple(again.nodes), outputs=outputs)
    owner, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    recipients = [key.public_key().public_bytes_raw() for key in (other, owner)]
    dealt = committee.deal([-4, 5, -6])

    def body(party: Party) -> tuple[bytes, ...]:
        memory: dict[int, Share] = {}
        execute(party, first, {0: dealt(party)}, memory, recipients)
        assert sorted(memory) == [5, 9]
        return execute(party, second, {}, memory, recipients).sealed

    sealed = committee.run(body)
    shape = structure(committee.n, committee.t)
    private = owner.private_bytes_raw()
    values = []
    for i, form in enumerate((A, B, A)):
        pieces = {j: sealed[j - 1][i] for j in shape.parties}
        values.append(unseal(pieces, private, (3,), form, committee.field, shape).tolist())
        with pytest.raises(SharingError, match="not made for this key"):
            unseal(pieces, other.private_bytes_raw(), (3,), form, committee.field, shape)
        swapped = {**pieces, 1: pieces[2]}
        with pytest.raises(SharingError, match="node 1's piece"):
            unseal(swapped, private, (3,), form, committee.field, shape)
        with pytest.raises(SharingError, match="nothing came from 2"):
            unseal({j: p for j, p in pieces.items() if j != 2}, private, (3,), form, committee.field, shape)
    assert values == [[-8, 10, -12], [True, False, True], [1, 2, 3]]


def test_a_wrong_share_is_noticed_by_the_receiver() -> None:
    """n = 4, t = 1: more shares than fix the polynomial."""
    committee = Committee(4, 1, field_named("M61"))
    b = Build()
    x = b.add("input", (), (), A, slot=0)
    circuit = Circuit("M61", tuple(b.nodes), outputs=(Output(x, 0),))
    key = X25519PrivateKey.generate()
    dealt = committee.deal(17)

    def body(party: Party) -> bytes:
        share = dealt(party)
        if party.me == 3:
            share = ArithShare(share.field, share.field.add(share.raw, share.field.from_ints(1)))
        return execute(party, circuit, {0: share}, {}, [key.public_key().public_bytes_raw()]).sealed[0]

    pieces = dict(enumerate(committee.run(body), start=1))
    with pytest.raises(SharingError, match="polynomial of degree 1"):
        unseal(pieces, key.private_bytes_raw(), (), A, committee.field, structure(4, 1))


def test_another_circuit_is_refused(three: Committee) -> None:
    circuit = Circuit(three.field.name, ())

    def body(party: Party) -> str:
        with pytest.raises(PeerError) as caught:
            execute(party, circuit, {}, {}, digest=bytes([party.me == 2] * 32))
        return str(caught.value)

    odd, other = "node 2: runs another circuit", "node 1: runs another circuit"
    assert three.run(body) == [odd, other, odd]


def test_missing_and_misshapen_leaves(three: Committee) -> None:
    b = Build()
    b.add("input", (), (2,), A, slot=0)
    circuit = Circuit(three.field.name, tuple(b.nodes), opens=(0,))
    with pytest.raises(MachineError, match="nothing under slot 0"):
        three.run(lambda party: execute(party, circuit, {}, {}))
    dealt = three.deal([1, 2, 3])
    with pytest.raises(MachineError, match="wanted arith"):
        three.run(lambda party: execute(party, circuit, {0: dealt(party)}, {}))


def test_one_round_for_a_layer() -> None:
    """A hundred products, inner products, selections and ANDs that are ready together take one round."""
    committee = Committee(3, 1, field_named("M61"))
    b = Build()
    x = b.add("input", (), (5,), A, slot=0)
    f = b.add("input", (), (5,), B, slot=1)
    opens = []
    for _ in range(25):
        opens.append(b.add("mul", (x, x), (5,), A))
        opens.append(b.add("dot", (x, x), (), A))
        opens.append(b.add("select", (x, x, x), (5,), A))
        opens.append(b.add("and", (f, f), (5,), B))
    circuit = Circuit("M61", tuple(b.nodes), opens=tuple(opens))
    xs, fs = committee.deal([1, 0, 1, 1, 0]), committee.deal_bits([1, 1, 0, 0, 1])

    def body(party: Party) -> tuple[int, int]:
        execute(party, circuit, {0: xs(party), 1: fs(party)}, {})
        return party.counters.rounds, party.counters.bytes_sent

    rounds, sent = agreed(committee.run(body))
    assert rounds == 2  # the products; the opening
    products, bits = 25 * 11, 25 * 5
    words = -(-bits // 64)
    assert sent == 2 * (8 * products + 8 * words)


def test_layers_batch_a_longer_protocol() -> None:
    b = Build()
    x = b.add("input", (), (), A, slot=0)
    early = b.add("ltz", (x,), (), B)
    late = b.add("ltz", (b.add("mul", (x, x), (), A),), (), B)
    unused = b.add("ltz", (b.const(3),), (), B)
    layers = cut_layers(Circuit("M61", tuple(b.nodes), opens=(early, late)))
    assert [(layer.protocol, layer.together) for layer in layers] == [
        ("products", (2,)),
        ("ltz", (early, late)),
    ]
    assert all(unused not in (*layer.local, *layer.together) for layer in layers)


def test_public_values_cost_nothing() -> None:
    b = Build()
    k = b.const([1, -2])
    square = b.add("mul", (k, k), (2,), A)
    circuit = Circuit("M61", tuple(b.nodes), opens=(square,))
    assert public_nodes(circuit) == [True, True]

    def body(party: Party) -> tuple[list, int]:
        return execute(party, circuit, {}, {}).opened[0].tolist(), party.counters.rounds

    assert agreed(Committee(3, 1, field_named("M61")).run(body)) == ([1, 4], 0)


def test_counters(three: Committee) -> None:
    b, inputs = every_operation()
    circuit = Circuit(three.field.name, tuple(b.nodes), opens=tuple(range(len(b.nodes))))
    dealt = shares_of(three, inputs)

    def body(party: Party) -> object:
        execute(party, circuit, {i: give(party) for i, give in enumerate(dealt)}, {})
        return party.counters

    counted = three.run(body)
    assert len({c.rounds for c in counted}) == 1
    assert sum(c.bytes_sent for c in counted) == sum(c.bytes_received for c in counted)
    assert all(c.products and c.ands and c.comparisons and c.circuits == 1 for c in counted)
    phases = Counter(phase for c in counted for phase in c.seconds)
    assert {"network", "products", "comparisons", "conversions", "divisions", "openings"} <= set(phases)


@pytest.mark.parametrize("lanes", [1, 11, 64, 65])
def test_counted_are_lanes_in_use(lanes: int) -> None:
    """What `ltz` and `b2a` state as their cost, whatever the padding of words is."""
    values = np.arange(lanes) - 3
    for committee in (Committee(3, 1, M61), Committee(5, 2, M61)):
        q, t = committee.field.q, committee.t
        dealt = committee.deal(values.tolist())
        counted = committee.run(lambda party, give=dealt: (b2a(party, ltz(party, give(party))), party.counters)[1])
        for counters in counted:
            assert counters.ands == lanes * (q * (t - 1) + 3 * q - 2 - (q - 1).bit_length())
            assert (counters.comparisons, counters.products) == (lanes, lanes * t)
