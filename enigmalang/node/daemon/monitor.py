"""GET /health, /live and /metrics over HTTP, for this machine's monitoring. Nothing else is answered.

/health says whether the node can do its work, /live only that its process answers: who starts it anew when it is not
live must not do so because the chain is away.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from enigmalang.node.daemon.metrics import Metrics

#: Seconds that a reader has for its request.
PATIENCE = 5.0


class PortTaken(Exception):
    """An address where this process cannot listen; the text says what to change."""


class Monitor:
    """Answers at `address`:`port` (0: a free one) from `with` to the end of it. Raises PortTaken.

    `look`: whether the node is well, and what there is to say about it.
    """

    def __init__(self, address: str, port: int, metrics: Metrics,
                 look: Callable[[], tuple[bool, Mapping[str, Any]]]) -> None:
        self._where = (address, port)
        self._handler = _handler(metrics, look)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> "Monitor":
        try:
            self._server = _Server(self._where, self._handler)
        except OSError as error:
            raise PortTaken(f"health and metrics cannot be served at {self._where[0]}:{self._where[1]}: "
                            f"{error.strerror or error}; change monitor.address or monitor.port in node.toml, or end "
                            "the program that is there") from None
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="monitor", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a reader who does not read must not hold up the end
    request_queue_size = 16

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader who went away is no fault of ours."""


def _handler(metrics: Metrics, look: Callable[[], tuple[bool, Mapping[str, Any]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE
        server_version, sys_version = "enigmalang", ""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text())
            elif self.path == "/health":
                well, said = look()
                self._answer(200 if well else 503, "application/json", json.dumps({"healthy": well, **said}) + "\n")
            elif self.path == "/live":
                self._answer(200, "text/plain; charset=utf-8", "live\n")
            else:
                self._answer(404, "text/plain; charset=utf-8", "there are /health, /live and /metrics\n")

        do_HEAD = do_GET

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Who reads the numbers is not worth a line."""

    return Handler
