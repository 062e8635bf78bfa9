"""The operation table: every IR operation, once. Checker, partitioner, cost model, verifier and docs read this.

Typing, label and range rules are named here and implemented beside their only user (`builder`, `analysis`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What an operation does besides giving its results."""

    NONE = "none"
    FAILS = "fails"  # may revert (public checked arithmetic, bounds)
    READS = "reads"  # reads public or private state, or the context
    PRIVATE = "private"  # writes private state: allowed under a private condition (becomes a select)
    LEDGER = "ledger"  # public effect: state, events, money, calls
    REVEALS = "reveals"  # lets a secret out
    CLIENT = "client"  # scripts and tests only: print, input, deploy, calls, identities
    CONTROL = "control"
    RANDOM = "random"  # a fresh choice each time it runs: never shared, folded, or run once for many


@dataclass(frozen=True, slots=True)
class Op:
    name: str
    operands: str  # a reading aid: the operands in order
    attrs: tuple[str, ...] = ()
    effect: Effect = Effect.NONE
    elementwise: bool = False
    regions: int = 0
    terminator: bool = False
    doc: str = ""


E = Effect


def _elementwise(names: str, operands: str, effect: Effect = Effect.NONE, doc: str = "") -> tuple[Op, ...]:
    return tuple(Op(n, operands, effect=effect, elementwise=True, doc=doc) for n in names.split())


_TABLE: tuple[Op, ...] = (
    Op("const", "", ("value",), doc="a public constant: Python int, bool, str, bytes, or nested tuples for tensors"),
    # ---- elementwise: operands broadcast (NumPy rules); result rank is the greatest operand rank
    *_elementwise("add sub mul neg abs pow", "numbers", E.FAILS,
                  "public: checked against the result's type; private: exact. Fixed `mul` rescales (rounds to "
                  "nearest). `pow`: the exponent is public. `add` also joins public strings/bytes"),
    *_elementwise("floordiv mod div", "x y", E.FAILS,
                  "floordiv/mod: integers, truncate toward zero; public y=0 reverts, private y=0 gives 0. div: fixed"),
    *_elementwise("min max", "x y"),
    *_elementwise("band bor bxor bnot shl shr", "integers", E.FAILS, "private: through bits; shift counts public"),
    *_elementwise("lt le gt ge eq ne", "x y", doc="bool; eq/ne on every scalar type"),
    *_elementwise("and or xor not", "bools", doc="strict, on bools (public short-circuit is lowered to `if`)"),
    *_elementwise("select", "c a b", doc="a where c, else b; c private or public"),
    Op("convert", "x", ("implicit",), E.FAILS, elementwise=True,
       doc="to the result's element type. public: checked, reverts when it does not fit. private: needs proof from "
           "the range analysis (E0401). implicit: what is being stored, as text for the message ('the parameter "
           "amount'), or None for an explicit conversion. int<->fixed scale; fixed->int truncates toward zero; "
           "bool->int; identity->address; any->T checks the run-time value"),
    Op("wrap", "x", elementwise=True, doc="modulo 2^bits of the result's integer type"),
    Op("clamp", "x", elementwise=True, doc="saturates to the result's type"),
    # ---- shape and access; `axis` counts from the end
    Op("stack", "x...", ("axis",),
       doc="new axis of the operands' number (equal shapes): list literals; axis=-1 for scalars"),
    Op("empty", "", doc="an empty tensor of the result's type (first axis 0)"),
    Op("fill", "x", ("dims", "axis"),
       doc="x repeated along new axes of the public sizes `dims`, placed before x's own"),
    Op("expand", "x", ("axis",), doc="a new axis of size 1 at `axis` of the result"),
    Op("concat", "x y", ("axis",)),
    Op("append", "xs x", ("axis", "max"), E.FAILS, doc="attr max (optional int): E0508 when longer"),
    Op("pop", "xs", ("axis",), E.FAILS, doc="results: shorter xs, the last element"),
    Op("len", "xs", ("axis",),
       doc="public uint256 also for private xs; on opaque/strings/bytes (axis None): their length"),
    Op("index", "xs i", ("axis",), E.FAILS,
       doc="public i: out of range reverts (negative i too). private i: 0 outside. "
       "axis None: one character or byte of a text"),
    Op("set_index", "xs i x", ("axis",), E.FAILS, doc="a copy; private i outside: unchanged"),
    Op("slice", "xs low high", ("axis",), doc="Python's clipping; low, high public"),
    Op("gather", "xs indices", ("axis",), E.FAILS, doc="rows of xs at a public rank-1 tensor of indices"),
    Op("range", "low high step", doc="rank 1, public"),
    Op("reverse", "xs", ("axis",)),
    Op("transpose", "x", ("axes",), doc="axes: tuple of negative axis numbers, a permutation of the last ones"),
    Op("contains", "xs x", ("axis",), doc="bool: is x among xs (also map/L membership is `map_has`/`db_has`)"),
    # ---- order; `axes`: for each column the axis along which its rows stand, counted from the end
    Op("sort", "column... [ranks]", ("axes", "keys", "descending", "ranked"), E.FAILS,
       doc="a result for each column. The first `keys` columns are compared, one after the other; rows that are equal "
       "in them keep their order. ranked: the last operand is a public rank-1 tensor of places in the order, and only "
       "those rows come out"),
    Op("shuffle", "column...", ("axes",), E.RANDOM, doc="all columns in one random order that nobody knows"),
    Op("permute", "order column...", ("axes",),
       doc="row i of each column goes to place order[i]. `order` is a column of places that a `sort` has moved, so it "
       "is a permutation: made by the standard library alone, and checked where circuits are built"),
    Op("spread", "flags column...", ("axes",),
       doc="each row of a column becomes that of the last row, up to this one, whose flag is set; zero before the "
       "first"),
    Op("cumsum", "xs", ("axis",), E.FAILS, doc="running sums, this element included"),
    Op("like", "x y", (), E.FAILS, elementwise=True,
       doc="x, of which the standard library has shown that it lies where y does (public: checked against y's type)"),
    # ---- reductions
    *(Op(f"reduce_{n}", "xs", ("axis",), effect, doc=doc) for n, effect, doc in (
        ("sum", E.FAILS, "0 for empty"), ("any", E.NONE, ""), ("all", E.NONE, ""),
        ("min", E.FAILS, "empty reverts"), ("max", E.FAILS, "empty reverts"))),
    Op("dot", "a b", (), E.FAILS, doc="sum of a*b over the last axis (broadcast), fused"),
    Op("matmul", "a b", (), E.FAILS, doc="as numpy.matmul"),
    Op("netlist", "bits", ("circuit", "width"),
       doc="the `width` outputs, on the last axis, of a boolean circuit whose inputs are there: attr circuit: its "
       "Bristol file (fashion)"),
    # ---- contract state; a batch of keys (rank 1) gives a batch of values
    Op("state_load", "", ("slot",), E.READS),
    Op("state_store", "v", ("slot",), E.LEDGER, doc="effect PRIVATE when the slot is private"),
    Op("map_get", "key...", ("slot",), E.READS, doc="the type's default when absent"),
    Op("map_set", "key... v", ("slot",), E.LEDGER, doc="effect PRIVATE when the slot is private"),
    Op("map_has", "key...", ("slot",), E.READS, doc="has it been written (and not deleted)"),
    Op("context", "", ("name", "attested"), E.READS, doc="sender value now block self balance chain. attested (ledger "
       "programs of jobs; else None): as of the block that the nodes computed on, a word of what they attest"),
    Op("emit", "arg...", ("event",), E.LEDGER, doc="args are leaves in the event's order"),
    Op("require", "condition [message|error leaves...]", ("error",), E.FAILS,
       doc="attr error: None (optional string message operand) or the error's name (operands: its leaves)"),
    Op("raise", "leaves...", ("error",), E.FAILS),
    Op("send", "to amount", (), E.LEDGER),
    Op("external_call", "contract arg...", ("interface", "function", "value"), E.LEDGER),
    # ---- secrets
    Op("share", "x", (), E.NONE, doc="`private x = e` / a public value given to a private place: labelled private; "
       "in scripts the client shares it at once"),
    Op("reveal", "x", (), E.REVEALS, doc="public from here on"),
    Op("reveal_to", "x who", (), E.REVEALS, doc="no result; x's leaf goes to that identity alone"),
    Op("attested", "", ("number",), E.READS, doc="ledger programs: the next value the nodes attest for a reveal"),
    Op("witness", "leaf...", ("type",), E.LEDGER, doc="ledger programs: what was read of the world outside of the "
       "contract is what the nodes read; a word of what they attest is its digest"),
    # ---- scripts, tests, databases
    Op("print", "leaf...", ("items", "sep", "end"), E.CLIENT,
       doc="items: for each argument its language type, or a str printed as is; leaves follow each other"),
    Op("input", "", ("name", "type", "private"), E.CLIENT,
       doc="the leaves of --input NAME as `type`; public at the client"),
    Op("assert", "condition [message]", (), E.CLIENT),
    Op("deploy", "leaf...", ("contract",), E.CLIENT, doc="calls init; result: a contract reference. One operand more "
       "than init has leaves: the wei sent along"),
    Op("call_contract", "c leaf...", ("function", "value"), E.CLIENT,
       doc="results: leaves of its result; attr value: True when the operand after c is wei sent along"),
    Op("read_contract", "c key...", ("slot",), E.CLIENT, doc="public state from outside: c.name, c.name[key]"),
    Op("submit", "c leaf...", ("function", "value"), E.CLIENT),
    Op("await", "job", (), E.CLIENT),
    Op("identity", "", ("name",), E.CLIENT),
    Op("shared_identity", "identity predicate ...", (), E.CLIENT, doc="pairs"),
    Op("predicate", "arg...", ("name",), E.READS,
       doc="owner anyone only_compute only members after before at_least and or not, or the function name of one's own "
           "predicate: gives a predicate value"),
    Op("db_get", "key...", ("db", "type"), E.CLIENT, doc="db: L, DHT, MPC; result: leaves of `type`"),
    Op("db_get_at", "time key...", ("db", "type"), E.CLIENT, doc="L.get(k, t)"),
    Op("db_set", "key... leaf...", ("db", "keys", "type", "predicate"), E.CLIENT,
       doc="keys: how many operands are keys; predicate True: the last operand is the predicate. L: effect LEDGER"),
    Op("db_has", "key...", ("db",), E.CLIENT),
    Op("db_history", "key...", ("db", "type"), E.CLIENT),
    Op("declassify", "key...", ("type",), E.CLIENT, doc="MPC.declassify(k): for whom the predicate allows raw data"),
    Op("advance", "amount", ("unit",), E.CLIENT),
    # ---- control
    Op("call", "leaf...", ("function",), E.CONTROL, doc="only to recursive functions after inlining"),
    Op("if", "c init...", ("early",), E.CONTROL, regions=2,
       doc="results: what both regions yield. early: span of a return/break/continue inside, for the leak checker"),
    Op("for", "iterated... init...", ("iterated",), E.CONTROL, regions=1,
       doc="iterates `iterated` tensors in step along their first axis (axis -rank); region params: items, carried; "
           "yields carried; results: carried"),
    Op("while", "init...", ("max",), E.CONTROL, regions=2,
       doc="regions: condition (params carried, yields bool), body (params carried, yields carried). max: int or None"),
    Op("map", "iterated...", ("iterated", "filtered"), E.CONTROL, regions=1,
       doc="comprehension: region yields leaves; results have one more (first) axis. filtered: the first yielded "
           "value is a bool that keeps the element"),
    Op("scope", "", (), E.CONTROL, regions=1, doc="what `leave` leaves"),
    Op("acting", "identity", (), E.CONTROL, regions=1, doc="`as who:`; yields values that outer code uses"),
    Op("expect_revert", "[message]", (), E.CONTROL, regions=1),
    Op("expect_leak", "", ("code",), E.CONTROL, regions=1, doc="removed by the secrecy analysis"),
    Op("yield", "v...", terminator=True, effect=E.CONTROL),
    Op("break", "carried...", terminator=True, effect=E.CONTROL),
    Op("continue", "carried...", terminator=True, effect=E.CONTROL),
    Op("leave", "v...", terminator=True, effect=E.CONTROL),
)

OPS: dict[str, Op] = {op.name: op for op in _TABLE}

#: What takes a number as it is, also when its type is too small for it.
EXACT = frozenset({"print", "lt", "le", "gt", "ge", "eq", "ne"})
