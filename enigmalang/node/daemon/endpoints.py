"""Where a node is reached: "host:port", as it stands on the hub."""

import ipaddress
from dataclasses import dataclass


class BadEndpoint(Exception):
    """A text that is no endpoint."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host's name or number, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_endpoint(text: str) -> Endpoint:
    """"host:port", "[::1]:port"; raises BadEndpoint. Port 0 is let through."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise BadEndpoint(f"{text!r}: an IPv6 address stands in brackets, as in [::1]:7400")
    if not colon or not host or not host.isascii() or not host.isprintable() or set(host) & set(" /[]@"):
        raise BadEndpoint(f"{text!r} is no HOST:PORT")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65_535):
        raise BadEndpoint(f"{text!r}: a port is a number up to 65535")
    return Endpoint(host.lower(), int(port))
