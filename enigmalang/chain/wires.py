"""The three ways in which JSON-RPC messages reach a node: HTTP, WebSocket, and a Unix socket."""

import json
import socket
from collections import deque
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Protocol
from urllib.parse import urlsplit

#: More than any honest answer: a node that sends more is not listened to.
LIMIT = 256 * 2**20
#: What is read of a Unix socket at a time.
PART = 1 << 16


class Broken(Exception):
    """A message that did not get there or an answer that did not come. `lost`: the connection itself is gone, which
    may mean only that the other side had closed it for having been idle."""

    def __init__(self, reason: str, lost: bool) -> None:
        super().__init__(reason)
        self.lost = lost


class Wire(Protocol):
    """A connection on which messages are sent and received whole. All raise Broken."""

    #: Whether messages may come that answer nothing asked (subscriptions).
    streams: bool

    def send(self, message: bytes) -> None: ...

    def receive(self) -> Any:
        """The next message, read as JSON."""
        ...

    def close(self) -> None: ...


def open_wire(where: str, timeout: float) -> Wire:
    """A connection to `where`: a URL, or the path of a Unix socket. Broken when there is none."""
    if "://" not in where:
        return _Ipc(where, timeout)
    try:
        parts = urlsplit(where)
        scheme, _ = parts.scheme, parts.port
    except ValueError:  # which repeats what stands there: perhaps a password
        raise Broken("the URL is none, or its port no number", lost=False) from None
    if scheme in ("http", "https"):
        return _Http(where, timeout)
    if scheme in ("ws", "wss"):
        return _WebSocket(where, timeout)
    raise Broken(f"{scheme}:// is none of http, https, ws, wss, or a path", lost=False)


def _said(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error) or type(error).__name__


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Broken("the answer is not JSON", lost=False) from None


class _Http:
    streams = False

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise Broken("the URL names no host", lost=False)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            self._connection.connect()
        except (OSError, UnicodeError) as error:
            raise Broken(_said(error) if isinstance(error, OSError) else str(error), lost=False) from None

    def send(self, message: bytes) -> None:
        try:
            self._connection.request("POST", self._path, message, {"Content-Type": "application/json"})
        except (OSError, HTTPException) as error:
            raise _lost(error) from None

    def receive(self) -> Any:
        try:
            response = self._connection.getresponse()
            body = response.read(LIMIT)
        except (OSError, HTTPException) as error:
            raise _lost(error) from None
        # Some nodes tell errors by JSON-RPC with a status that is one too.
        if response.status != 200 and not body.lstrip().startswith((b"{", b"[")):
            raise Broken(f"HTTP status {response.status} {response.reason}", lost=False)
        return _json(body)

    def close(self) -> None:
        self._connection.close()


def _lost(error: OSError | HTTPException) -> Broken:
    if isinstance(error, OSError):
        return Broken(_said(error), lost=not isinstance(error, TimeoutError))
    return Broken(str(error) or type(error).__name__, lost=False)


class _WebSocket:
    streams = True

    def __init__(self, url: str, timeout: float) -> None:
        from websockets.exceptions import InvalidHandshake, InvalidURI
        from websockets.sync.client import connect

        self._timeout = timeout
        self._held = ExitStack()
        try:
            opened = connect(url, open_timeout=timeout, close_timeout=1, max_size=LIMIT)
            self._connection: Any = self._held.enter_context(opened)
        except InvalidURI:  # which repeats the URL, perhaps with a password
            raise Broken("the URL is none", lost=False) from None
        except InvalidHandshake as error:
            raise Broken(str(error), lost=False) from None
        except OSError as error:
            raise Broken(_said(error), lost=False) from None

    def send(self, message: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            self._connection.send(message.decode())
        except ConnectionClosed as error:
            raise Broken(str(error), lost=True) from None

    def receive(self) -> Any:
        from websockets.exceptions import ConnectionClosed

        try:
            message = self._connection.recv(self._timeout)
        except TimeoutError:
            raise Broken("no answer in time", lost=False) from None
        except ConnectionClosed as error:
            raise Broken(str(error), lost=True) from None
        return _json(message)

    def close(self) -> None:
        self._held.close()


class _Ipc:
    """A Unix socket: JSON texts one after another, with nothing between them but perhaps white space."""

    streams = True

    def __init__(self, path: str, timeout: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._texts, self._parts = JsonTexts(), Parts(self._socket)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise Broken(_said(error), lost=False) from None

    def send(self, message: bytes) -> None:
        try:
            self._socket.sendall(message)
        except OSError as error:
            raise _lost(error) from None

    def receive(self) -> Any:
        while not self._texts.ready:
            try:
                part = self._parts.next()
            except OSError as error:
                raise _lost(error) from None
            if not part:
                raise Broken("the other side closed the connection", lost=True)
            self._texts.feed(part)
        return self._texts.ready.popleft()

    def close(self) -> None:
        self._socket.close()


class Parts:
    """What comes on a socket, piece by piece, by way of one buffer: a new large one for each read, of which a few bytes
    are used, would leave holes all over the heap of a process with many connections."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._room = connection, memoryview(bytearray(PART))

    def next(self) -> bytes:
        """Empty at the end. Raises OSError."""
        return bytes(self._room[: self._connection.recv_into(self._room)])


class JsonTexts:
    """Cuts a stream of bytes into the JSON values (objects and arrays) of which it consists."""

    def __init__(self) -> None:
        self.ready: deque[Any] = deque()
        self._held = bytearray()
        self._decoder = json.JSONDecoder()

    def feed(self, part: bytes) -> None:
        """More of the stream, whole values of which become `ready`; Broken for what is not JSON, or has no end."""
        self._held += part
        if len(self._held) > LIMIT:
            raise Broken("a message without an end", lost=False)
        if not part.rstrip().endswith((b"}", b"]")):
            return  # a value ends so: no need to look
        try:
            text = self._held.decode()
        except UnicodeDecodeError:
            raise Broken("a message that is not UTF-8", lost=False) from None
        self._held = bytearray(self._cut(text.lstrip()).encode())

    def _cut(self, text: str) -> str:
        while text:
            if text[0] not in "{[":
                raise Broken("a message that is not JSON", lost=False)
            try:
                value, end = self._decoder.raw_decode(text)
            except json.JSONDecodeError as error:
                if error.pos < len(text) and not error.msg.startswith("Unterminated"):
                    raise Broken("a message that is not JSON", lost=False) from None
                break
            self.ready.append(value)
            text = text[end:].lstrip()
        return text
