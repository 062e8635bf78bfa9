"""What a node is told to do: FOLDER/node.toml.

An option is declared once, as a field of one of the sections below; what is read, what is checked and the commented
file that `enig node init` writes all come from there. What later parts of a node need, they add here.
"""

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from enigmalang.node.daemon.endpoints import BadEndpoint, Endpoint, read_endpoint
from enigmalang.wire.frames import MAX_DATA_BYTES

#: The file's name in a node's folder.
FILE = "node.toml"
#: The registry's contract keeps no longer endpoint.
MAX_ENDPOINT = 128
Check = Callable[[Any], str]


class BadConfig(Exception):
    """A configuration that cannot be used; the text says which options, and what they should be."""


def option(default: Any, doc: str, check: Check = lambda value: "") -> Any:
    """A field: its value when nothing is said, what the file says about it, what is wrong with a value."""
    return field(default=default, metadata={"doc": doc, "check": check})


def _between(low: float, high: float) -> Check:
    return lambda value: "" if low <= value <= high else f"it has to be from {low:g} to {high:g}"


def _one_of(*names: str) -> Check:
    return lambda value: "" if value in names else "it is one of " + ", ".join(f'"{name}"' for name in names)


def _place(empty: bool) -> Check:
    def check(value: str) -> str:
        try:
            if value or not empty:
                read_endpoint(value)
        except BadEndpoint as error:
            return str(error)
        return "" if len(value.encode()) <= MAX_ENDPOINT else f"it has more than {MAX_ENDPOINT} bytes"

    return check


def _address(value: str) -> str:
    try:
        if value[:2] == "0x" and len(bytes.fromhex(value[2:])) == 20:
            return ""
    except ValueError:
        pass
    return "it has to be 0x and 40 hexadecimal digits"


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """Who this node is to others."""

    endpoint: str = option(
        "127.0.0.1:7400", "Where other nodes and clients reach this one: HOST:PORT, as it stands on the hub. Port 0: "
        "a free one, registered anew at each start.", _place(empty=False))
    listen: str = option(
        "", 'Where this process listens, where that is another place: HOST:PORT. Default: the port of "endpoint", on '
        "all interfaces, or on 127.0.0.1 when the endpoint is on this machine.", _place(empty=True))
    deposit: int = option(
        0, "Wei put down when the node registers; 0: the least that the hub takes.", _between(0, 2**127))
    rotate_days: int = option(
        180, "Make a new channel key after so many days; 0: only when asked. A certificate is good for 366 days.",
        _between(0, 360))
    stop_seconds: float = option(
        30.0, "What is under way may take so long to end when the node is stopped.", _between(0, 3600))
    password_file: str = option(
        "", "A file whose first line is the password of the keys. Otherwise: $ENIGMALANG_NODE_PASSWORD_FILE, systemd's "
        "credential enigmalang-password, or the keyboard.")


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """The chain that the node follows."""

    url: str = option("", "A node of the chain: http://, https://, ws://, wss://, or the path of its socket.",
                      lambda value: "" if value else "it has to be said")
    hub: str = option("", "The address of the hub on it.", _address)
    id: int = option(0, "The chain's number, if another one behind the URL shall be refused; 0: any.",
                     _between(0, 2**63))
    start: int = option(0, "The block in which the hub was made, or one before it: nothing earlier is looked at, which "
                       "makes the start faster.",
                        _between(0, 2**63))
    confirmations: int = option(
        0, "Blocks that must follow before anything on the chain counts: more than a reorganisation ever undoes, for "
        "what a node did for a block that is undone (shares it sent, data it deleted) is not undone with it. 0 is for "
        "development chains alone, and a node does not start with it on another; elsewhere 12 is usual.",
        _between(0, 1000))
    poll_seconds: float = option(1.0, "Seconds between two looks at the chain.", _between(0.01, 600))
    timeout_seconds: float = option(30.0, "Seconds that the chain has for an answer.", _between(0.1, 600))
    patience_seconds: float = option(
        120.0, "Seconds without a new block after which a transaction is given up.", _between(1, 86_400))
    late_seconds: float = option(
        300.0, "The node is unhealthy when it heard nothing of the chain for so long.", _between(1, 86_400))


def _positive(value: float) -> str:
    return "" if value > 0 else "it has to be more than 0"


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """What peers, clients and strangers may use of this machine: bytes, counts, seconds."""

    frame_bytes: int = option(4 << 20, "Of a request, or an answer.", _positive)
    link_bytes: int = option(MAX_DATA_BYTES, "Of a frame between nodes that compute together.", _positive)
    connections: int = option(512, "Connections that came in, of all kinds.", _positive)
    connections_per_peer: int = option(16, "Of them, for requests of one peer.", _positive)
    links_per_peer: int = option(64, "Of them, for computing with one peer.", _positive)
    clients: int = option(128, "Of them, of anonymous clients.", _positive)
    clients_per_host: int = option(32, "Of them, of anonymous clients on one machine.", _positive)
    handshakes: int = option(64, "Connections whose other end is not known yet.", _positive)
    strangers_per_second: float = option(
        50.0, "Connections of one machine that do not turn out to be a peer's.", _positive)
    connects_per_second: float = option(
        20.0, "Connections of one peer that are free; those beyond count as a stranger's.", _positive)
    requests: int = option(64, "Requests that are answered at once; more wait.", _positive)
    requests_per_second: float = option(1000.0, "Of one peer, or of one machine's clients.", _positive)
    bytes_per_second: float = option(float(64 << 20), "Of one peer, or of one machine's clients.", _positive)
    memory_per_peer: int = option(64 << 20, "Bytes of one peer's requests that are held at a time.", _positive)
    handshake_seconds: float = option(10.0, "From being connected to being known.", _positive)
    idle_seconds: float = option(60.0, "A connection on which nothing was asked for so long is closed.", _positive)
    frame_seconds: float = option(30.0, "From the first byte of a message to its last.", _positive)
    slow_seconds: float = option(5.0, "Who is over a limit waits at most so long; beyond, it is refused.", _positive)
    parked_seconds: float = option(30.0, "A node that wants to compute together is waited for so long.", _positive)
    dead_seconds: float = option(30.0, "A machine that answers nothing is taken for gone after so long.", _positive)


@dataclass(frozen=True, slots=True)
class CommitteeOptions:
    """Committees that the node computes in: when they hand their contracts over to others."""

    refresh_hours: float = option(
        24.0, "A committee lasts so long; then its contracts get new shares and keys, and the old ones are erased. 0: "
        "for ever, unless others ask for it.", _between(0, 24 * 366))
    absence_seconds: float = option(
        300.0, "A member that does not answer for so long is left out: another committee is drawn. Without it no job "
        "is done, so less than a job may take.", _between(1, 30 * 86_400))


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the node writes down. Keys, passwords and shares are never written."""

    format: str = option("text", '"text" for people, "json" for programs: one object a line.', _one_of("text", "json"))
    level: str = option("info", 'The least that is written: "debug", "info", "warning" or "error".',
                        _one_of("debug", "info", "warning", "error"))
    file: str = option("", "A file, in the node's folder unless it is a whole path; without one: standard error.")
    file_bytes: int = option(10_000_000, "Bytes after which a new file is begun.", _between(10_000, 1 << 40))
    files: int = option(5, "Old files that are kept.", _between(0, 1000))


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """GET /health (200 or 503), /live (200) and /metrics (Prometheus), for this machine."""

    address: str = option("127.0.0.1", "Where they are answered; they ask for no password.")
    port: int = option(7401, "0: a free one; -1: not at all.", _between(-1, 65_535))


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """What the node keeps for others (DHT)."""

    quota_bytes: int = option(
        10 << 30, "Of values and their records; 0: the node keeps nothing, and only tells who does.",
        _between(0, 1 << 50))
    replicas: int = option(3, "Nodes that each value should be on.", _between(1, 20))
    check_seconds: float = option(
        60.0, "Seconds between two questions to the other holders of what this node keeps: are you there, and do you "
        "still have it?", _between(0.01, 86_400))
    away_seconds: float = option(
        900.0, "A holder that does not answer for so long is replaced by another node.", _between(0, 30 * 86_400))
    rent: str = option(
        "", "The address of the contract that rent is paid to (Storage): what is not paid for is not kept. Without it, "
        "a value is kept for as long as its pointer stands on the hub.", lambda value: _address(value) if value else "")
    refusals_per_hour: int = option(
        4, "Readers without the right to read that the node records on the hub, each for a transaction that it pays; "
        "0: none.", _between(0, 3600))


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `folder` is the node's."""

    folder: Path
    node: NodeOptions = field(default_factory=NodeOptions)
    chain: ChainOptions = field(default_factory=ChainOptions)
    limits: LimitOptions = field(default_factory=LimitOptions)
    committees: CommitteeOptions = field(default_factory=CommitteeOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)
    log: LogOptions = field(default_factory=LogOptions)
    monitor: MonitorOptions = field(default_factory=MonitorOptions)

    @property
    def endpoint(self) -> Endpoint:
        return read_endpoint(self.node.endpoint)

    @property
    def listen(self) -> Endpoint:
        """Where the node listens."""
        if self.node.listen:
            return read_endpoint(self.node.listen)
        given = self.endpoint
        return Endpoint("127.0.0.1" if given.local else "0.0.0.0", given.port)


#: Section -> what it holds; in the order of the file.
SECTIONS: dict[str, Any] = {
    "node": NodeOptions, "chain": ChainOptions, "limits": LimitOptions, "committees": CommitteeOptions,
    "storage": StorageOptions, "log": LogOptions, "monitor": MonitorOptions,
}


def read_config(folder: Path) -> Config:
    """What FOLDER/node.toml says. Raises BadConfig."""
    path = folder / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise BadConfig(f"{folder} is no node's folder, for it has no {FILE}: `enig node init` makes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{path} cannot be read: {error}") from None
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path} is not TOML: {error}") from None
    try:
        return config_of(folder, given)
    except BadConfig as error:
        raise BadConfig(f"{path}: {error}") from None


def config_of(folder: Path, given: Mapping[str, Any]) -> Config:
    """A configuration from a file's tables. Raises BadConfig with all that is wrong."""
    wrong: list[str] = []
    made: dict[str, Any] = {}
    for name, table in given.items():
        if name not in SECTIONS:
            wrong.append(_unknown(name if not isinstance(table, dict) else f"[{name}]", name))
        elif not isinstance(table, dict):
            wrong.append(f"{name} is a section: [{name}], and its options below it")
    for name, kind in SECTIONS.items():
        table = given.get(name, {})
        if isinstance(table, dict):
            made[name] = kind(**_section(name, kind, table, wrong))
    if not wrong and made["limits"].frame_bytes > made["limits"].memory_per_peer:
        wrong.append("limits.memory_per_peer has to be limits.frame_bytes at least")
    if wrong:
        raise BadConfig("; ".join(wrong))
    return Config(folder, **made)


def _section(name: str, kind: Any, table: Mapping[str, Any], wrong: list[str]) -> dict[str, Any]:
    known: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}
    wrong += [_unknown(f"{name}.{key}", key) for key in table if key not in known]
    values = {}
    for key, declared in known.items():
        value = table.get(key, declared.default)
        wanted = type(declared.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if wanted is int and isinstance(value, str) and value.replace("_", "").isdecimal():
            value = int(value)  # amounts of wei are more than TOML promises to hold
        if type(value) is not wanted:
            wrong.append(f"{name}.{key} has to be {_KINDS[wanted]}, not {value!r}")
            continue
        reason = declared.metadata["check"](value)
        if reason:
            wrong.append(f"{name}.{key} is {_toml(value)}: {reason}")
        values[key] = value
    return values


_KINDS: dict[Any, str] = {int: "an integer", float: "a number", str: "a text in quotes"}


def _unknown(said: str, key: str) -> str:
    names = {f"{section}.{each.name}": each.name for section, kind in SECTIONS.items() for each in fields(kind)}
    near = difflib.get_close_matches(said, [*names, *(f"[{section}]" for section in SECTIONS)], 1, 0.6)
    if not near:
        near = [full for full, name in names.items() if difflib.get_close_matches(key, [name], 1, 0.75)][:1]
    return f"there is no option {said}" + (f"; did you mean {near[0]}?" if near else "")


def written(config: Config) -> str:
    """The file of `config`: every option, with what it means."""
    lines = ["# A node of EnigmaLang. `enig node start` reads this file; after a change, stop and start the node."]
    for name, kind in SECTIONS.items():
        section = getattr(config, name)
        lines += ["", f"# {kind.__doc__}", f"[{name}]"]
        for each in fields(kind):
            lines += [*_comment(each.metadata["doc"]), f"{each.name} = {_toml(getattr(section, each.name))}"]
    return "\n".join(lines) + "\n"


def with_options(config: Config, section: str, **changes: Any) -> Config:
    """`config` with some options of a section changed. Raises BadConfig for what they cannot be."""
    kind = SECTIONS[section]
    wrong: list[str] = []
    now = {each.name: getattr(getattr(config, section), each.name) for each in fields(kind)}
    values = _section(section, kind, now | changes, wrong)
    if wrong:
        raise BadConfig("; ".join(wrong))
    return replace(config, **{section: kind(**values)})


def _comment(text: str) -> list[str]:
    lines, line = [], "#"
    for word in text.split():
        if len(line) + 1 + len(word) > 110:
            lines.append(line)
            line = "#"
        line += " " + word
    return [*lines, line]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        escaped = "".join(
            "\\" + char if char in '"\\' else char if char.isprintable() else f"\\U{ord(char):08X}" for char in value)
        return f'"{escaped}"'
    if isinstance(value, int) and abs(value) >= 2**63:
        return f'"{value}"'
    return str(value)
