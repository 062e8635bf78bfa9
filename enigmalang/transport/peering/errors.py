"""What can go wrong between two nodes, by what the one who asked knows of it afterwards."""

#: Reasons come from outside: they are cut, and only printed characters of them reach a log.
MAX_REASON_BYTES = 200


class PeeringError(Exception):
    """`peer` is an address, `reason` says what was wrong."""

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(f"{peer}: {reason}")
        self.peer = peer
        self.reason = reason


class PeerUnreachable(PeeringError):
    """There is no connection, or it ended or fell silent before the answer was here.

    Whether a request was carried out is not known: it is not sent a second time without the caller.
    """


class PeerRefused(PeeringError):
    """The other end said no, and why. The request was not carried out."""


class Refusal(Exception):
    """Raised at the answering end, also by what answers requests: the text is told to the other end."""


def printable(text: bytes) -> str:
    """A reason that came from outside, as it may be logged."""
    return "".join(chr(c) if 32 <= c < 127 else "?" for c in text[:MAX_REASON_BYTES])


def as_reason(text: str) -> bytes:
    """A reason as it is told."""
    return text.encode("ascii", "replace")[:MAX_REASON_BYTES]
