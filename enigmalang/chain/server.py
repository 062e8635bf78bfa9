"""Serving a chain of this process to others, as JSON-RPC over a Unix socket that only the same user can open."""

import contextlib
import json
import os
import socket
import threading
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from enigmalang.chain.errors import ChainUnreachable, RpcError
from enigmalang.chain.evm import Evm, Json
from enigmalang.chain.wires import Broken, JsonTexts, Parts

#: JSON-RPC 2.0, section 5.1.
_PARSE, _INVALID, _INTERNAL = -32700, -32600, -32603
_BACKLOG = 64
#: Seconds at the end for answers that are under way.
ANSWER_SECONDS = 2.0


class Server:
    """Answers for `evm` at the Unix socket `path`, from `with` to the end of it; a thread a connection.

    The socket's folder is made if need be, closed to others (0700), and the socket itself too (0600). Raises
    ChainUnreachable when a server already answers there; a socket that a dead one left is replaced.
    """

    def __init__(self, evm: Evm, path: Path) -> None:
        self._evm, self.path = evm, path
        self._listening: socket.socket | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    def __enter__(self) -> "Server":
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists():
            self._replace()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self.path))
            os.chmod(self.path, 0o600)  # before anyone can connect
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            raise ChainUnreachable(str(self.path), str(error), "Choose another path.") from None
        self._listening = listening
        self._start(self._accept, listening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listening is None:
            return
        with self._lock:
            listening, self._listening = self._listening, None
            sockets, threads = [listening, *self._open], list(self._threads)
        deadline = monotonic() + ANSWER_SECONDS
        for way in (socket.SHUT_RD, socket.SHUT_RDWR):  # what is being answered is told first, to who reads it
            for each in sockets:
                with contextlib.suppress(OSError):  # not connected any more
                    each.shutdown(way)
            for thread in threads:
                thread.join(max(0.0, deadline - monotonic()) if way == socket.SHUT_RD else None)
        listening.close()
        self.path.unlink(missing_ok=True)

    def _replace(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink()
                return
            except OSError as error:
                raise ChainUnreachable(str(self.path), str(error), "Choose another path.") from None
        raise ChainUnreachable(str(self.path), "a chain is already served there", "Choose another path, or use it.")

    def _start(self, run: Any, *args: Any) -> None:
        thread = threading.Thread(target=run, args=args, name=f"chain at {self.path}", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return  # shut down
            with self._lock:
                if self._listening is None:
                    connection.close()
                    return
                self._open.add(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # the other side has gone
                self._converse(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(threading.current_thread())

    def _converse(self, connection: socket.socket) -> None:
        texts, parts = JsonTexts(), Parts(connection)
        while part := parts.next():
            try:
                texts.feed(part)
            except Broken as error:
                connection.sendall(_line(_failure(None, _PARSE, str(error))))
                return
            while texts.ready:
                answer = self._answer(texts.ready.popleft())
                if answer is not None:
                    connection.sendall(_line(answer))

    def _answer(self, message: Json) -> Json | None:
        if isinstance(message, list):
            answers = [answer for each in message if (answer := self._one(each)) is not None]
            return answers or None
        return self._one(message)

    def _one(self, message: Json) -> Json | None:
        """The answer to one request; None for a notification, which has no id and gets none."""
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return _failure(None, _INVALID, "not a JSON-RPC request")
        number, params = message.get("id"), message.get("params") or []
        if not isinstance(params, list):
            return _failure(number, _INVALID, "parameters are given in their order")
        try:
            result = self._evm.request(message["method"], params)
        except RpcError as error:
            return _failure(number, error.code, error.message, error.data)
        except ChainUnreachable as error:
            return _failure(number, _INTERNAL, str(error))
        return None if "id" not in message else {"jsonrpc": "2.0", "id": number, "result": result}


def _failure(number: Json, code: int, message: str, data: Json = None) -> Json:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": number, "error": error}


def _line(answer: Json) -> bytes:
    return json.dumps(answer).encode() + b"\n"
