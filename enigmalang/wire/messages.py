"""Control-plane messages between the coordinator (member 0) and the nodes, as MessagePack.

Everything that can be larger than 64 bits, and every array, travels as bytes. A reply carries the number of
the request it answers. Unknown messages, unknown fields and wrong types are refused.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from enigmalang.wire.typed import Decoder, encode

VERSION = 1
#: The names in `Stats.counters`.
COUNTERS = ("rounds", "bytes_sent", "products", "ands", "comparisons")
#: Characters of a `Fault`'s text.
MAX_TEXT = 500
#: What another process says and the user may see on a terminal: short, and without control characters.
Told = Annotated[str, msgspec.Meta(max_length=MAX_TEXT, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True):
    """Base of all messages; on the wire an array that starts with the message's name."""

    def __repr__(self) -> str:  # some hold masks
        return f"<{type(self).__name__}>"


class Member(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How to reach and recognise a member: its port on the loopback interface and its certificate (DER)."""

    number: int
    port: int
    certificate: bytes


M = TypeVar("M", bound=Message)


# --- start-up, over the worker's stdin and stdout: public data only ---


class Bootstrap(Message, frozen=True):
    """Coordinator → worker: who you are. `timeout` (seconds) bounds the start-up."""

    version: int
    node: int
    nodes: int
    threshold: int
    field: str
    timeout: float


class Introduction(Message, frozen=True):
    """Worker → coordinator: how the others reach me and which key I hold."""

    member: Member


class Registry(Message, frozen=True):
    """Coordinator → worker: all members, the coordinator (0) among them."""

    members: list[Member]


# --- requests ---


class Prepare(Message, frozen=True):
    """A circuit to run next. `circuit` is empty when the node has the circuit of `digest` already; `drop`
    lists digests to forget. Answered by `Masks`, fresh random values for the circuit's inputs, if it has any.
    """

    number: int
    digest: bytes
    circuit: bytes
    drop: list[bytes]


class Input(Message, frozen=True):
    """The next input of the prepared circuit: the next frame is the masked value, `size` bytes as they are. Only for
    nodes that need it (`node.masking.needs_input`). Not answered.
    """

    number: int
    size: int


class Run(Message, frozen=True):
    """Run the prepared circuit: the digest of its masked values (`node.masking.InputsDigest`), receivers' keys, and
    what the circuit's handles 0, 1, … stand for (none: themselves). Answered by `Done`.
    """

    number: int
    inputs: bytes
    recipients: list[bytes]
    handles: list[int] = []


class Job(Message, frozen=True):
    """`Prepare` and `Run` in one, for inputs that are masked with numbers of the block that the nodes gave with
    their last `Done` that had one. Answered by `Done`.
    """

    number: int
    digest: bytes
    circuit: bytes
    drop: list[bytes]
    masked: list[bytes]
    recipients: list[bytes]
    handles: list[int] = []


class Replenish(Message, frozen=True):
    """A short step of work that needs no input. Answered by `Stocked`."""

    number: int


class Forget(Message, frozen=True):
    """Forget the shares kept under these handles. Not answered."""

    handles: list[int]


class Reserve(Message, frozen=True):
    """A mask of `size` numbers for an input that comes over the ledger, later or never. Answered by `Masks`, and known
    from then on by this request's number. With a `receiver` (a raw X25519 public key) what is told is encrypted for
    it, so that whoever delivers it learns nothing; only jobs of `owner` (an address) may use the mask then. `nonce` is
    signed with what is told.
    """

    number: int
    size: int
    owner: str = ""
    receiver: bytes = b""
    nonce: bytes = b""


class Admit(Message, frozen=True):
    """The input that was masked with mask `mask`: `masked` are its field elements, the arrays of `shapes` one after the
    other, which are kept under `handles`. A mask is used once. Not answered.
    """

    number: int
    mask: int
    masked: bytes
    shapes: list[list[int]]
    handles: list[int]


class Enlist(Message, frozen=True):
    """Take part on the hub at `hub` of the chain at `url`: register there, with `deposit` wei (a decimal) and as to be
    reached at `endpoint`, unless that is done. Without a deposit only say who you are. Answered by `Signer`.
    """

    number: int
    url: str
    hub: str
    deposit: str
    endpoint: str


class Consent(Message, frozen=True):
    """Agree to serve in a committee (`chain.digests.consent_digest`). Answered by `Signed`."""

    number: int
    members: list[str]
    threshold: int
    salt: bytes
    until: int


class Execute(Message, frozen=True):
    """Compute job `job` of the hub, which block `opened` opened, on the state of block `block`: read it from the chain,
    trace it, run it with the other nodes, sign what came out. `plan` are the canonical bytes of its contract's plan,
    whose SHA-256 is `digest`; empty when they were given before. Answered by `Executed`.
    """

    number: int
    job: int
    opened: int
    block: int
    digest: bytes
    plan: bytes


class Refute(Message, frozen=True):
    """The chain refuses the outcome of job `job` that was computed on the state of block `block`, although it has these
    `signatures`: see whether that is so, and sign that the job failed. Answered by `Executed`.
    """

    number: int
    job: int
    block: int
    signatures: list[bytes]


class AskStats(Message, frozen=True):
    """Answered by `Stats`."""

    number: int


Request = (Prepare | Input | Run | Job | Replenish | Forget | Reserve | Admit | Enlist | Consent | Execute | Refute
           | AskStats)


# --- replies ---


class Ready(Message, frozen=True):
    """Links and keys are set up."""


class Masks(Message, frozen=True):
    """What this node tells of each mask (see `node.masking`), in the order of the slots. `signature`: under what was
    encrypted for a client of a ledger (`node.reserved`).
    """

    number: int
    shares: list[bytes]
    signature: bytes = b""


class Done(Message, frozen=True):
    """The circuit ran: opened values (`encode_array`), this node's piece of each sealed output; when the last ones
    run out what this node tells of a new block of masks (`node.blocks`).
    """

    number: int
    opened: list[bytes]
    sealed: list[bytes]
    masks: list[bytes] = []


class Signer(Message, frozen=True):
    """The address, 0x-hex, that this node signs for."""

    number: int
    address: Told


class Signed(Message, frozen=True):
    """r and s (32 bytes each) and v (one byte) of a signature."""

    number: int
    signature: bytes


class Parcel(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A node's piece of a private value for one receiver (0x-address), sealed by `mpc.outputs`, and how to read it."""

    receiver: str
    shape: list[int]
    bits: bool
    truth: bool
    piece: bytes


class Executed(Message, frozen=True):
    """What came out of a job, and this node's signature under it. `error` is empty unless the job failed; without a
    signature it says why the node computes no such job. `words` are the revealed values, 32 bytes each; `results` are
    for the caller, `parcels` for whom the program names, `delivered` is the signature under both (`node.reserved`).
    """

    number: int
    version: int
    words: list[bytes]
    root: bytes
    work: list[int]
    error: str
    signature: bytes
    results: list[Parcel]
    parcels: list[Parcel]
    delivered: bytes = b""


class Stocked(Message, frozen=True):
    """A step was done; whether there is more to do."""

    number: int
    more: bool


class Stats(Message, frozen=True):
    """This node's counters (all of `COUNTERS`), seconds by what they were spent on, and apart from both the counters
    of preprocessing.
    """

    number: int
    counters: dict[str, int]
    seconds: dict[Told, float]
    ahead: dict[str, int] = {}


class Fault(Message, frozen=True):
    """The node cannot go on. `peer`: the node it blames, 0 for none; `gone`: its connection to that node
    ended. `text` holds nothing secret. Made by `fault`.
    """

    peer: int
    text: Told
    gone: bool


def fault(peer: int, text: str, gone: bool = False) -> Fault:
    """A `Fault` whose text is as the decoder wants it."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return Fault(peer, shown[:MAX_TEXT], gone)


class Heartbeat(Message, frozen=True):
    """The node lives. `progress` grows while the executing thread works; `waiting_for` is the peer whose
    frame it waits for, 0 when it computes or is idle.
    """

    progress: int
    waiting_for: int


Reply = Ready | Masks | Done | Signer | Signed | Executed | Stocked | Stats | Fault | Heartbeat

_START_UP: dict[Any, Decoder[Any]] = {
    kind: Decoder[Any](kind, "control message") for kind in (Bootstrap, Introduction, Registry)}
decode_request = Decoder[Request](Request, "control message").decode
decode_reply = Decoder[Reply](Reply, "control message").decode


def encode_message(message: Message) -> bytes:
    return encode(message)


def decode_as(kind: type[M], data: bytes | memoryview) -> M:
    """Raises WireError for anything that is not a `kind` (Bootstrap, Introduction or Registry)."""
    message: M = _START_UP[kind].decode(data)
    return message
