"""What strangers, clients and peers may take of a node."""

from dataclasses import dataclass, fields

from enigmalang.wire.frames import MAX_DATA_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts, and seconds. Raises ValueError when one is not positive.

    The memory that requests take is at most, per peer, `memory_per_peer` for what is being read and worked on
    and `connections_per_peer * frame_bytes` for answers under way; and 100 KiB of buffers for each of its connections.
    An anonymous client counts by its host.
    Frames of data links are not limited in rate: who reads them says beforehand how long they are.
    """

    #: A request, or an answer.
    frame_bytes: int = 4 << 20
    #: A frame on a data link.
    link_bytes: int = MAX_DATA_BYTES
    #: Connections that came in, of all kinds; and of them: for requests of one peer (as many go out to it), data
    #: links of one peer, anonymous clients, anonymous clients of one host.
    connections: int = 512
    connections_per_peer: int = 16
    links_per_peer: int = 64
    clients: int = 128
    clients_per_host: int = 32
    #: Connections whose other end is not known yet.
    handshakes: int = 64
    #: Connections of one host per second that do not turn out to be a peer's; a burst is two seconds' worth.
    strangers_per_second: float = 50.0
    #: Connections of one peer per second that are free; those beyond count as a stranger's of its host. A burst is
    #: as many as it may have at once.
    connects_per_second: float = 20.0
    #: Requests being answered at once, of all peers and clients; more wait.
    requests: int = 64
    #: Of one peer, or one host's clients; a burst is one second's worth, or one frame.
    requests_per_second: float = 1000.0
    bytes_per_second: float = float(64 << 20)
    memory_per_peer: int = 64 << 20
    #: From being connected to being known.
    handshake_seconds: float = 10.0
    #: A connection on which nothing was asked for so long is closed.
    idle_seconds: float = 60.0
    #: From the first byte of a request to its last; the same for an answer.
    frame_seconds: float = 30.0
    #: Who is over a limit that passes by itself waits at most so long; beyond, it is refused.
    slow_seconds: float = 5.0
    #: A data link waits so long for its room to be opened.
    parked_seconds: float = 30.0
    #: A machine that answers nothing at all is taken for gone after so long.
    dead_seconds: float = 30.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            if not getattr(self, entry.name) > 0:
                raise ValueError(f"limit {entry.name} must be positive")
        if self.frame_bytes > self.memory_per_peer:
            raise ValueError("limit memory_per_peer is below frame_bytes: no largest frame would ever be read")
