"""What goes over the wire, beyond what pygls does: every request gets a reply, and a refusal is the reply alone."""

import logging
from dataclasses import dataclass
from typing import Any

from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCRequestMessage, LanguageServerProtocol


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request whose parameters are not those of its method."""

    id: Any
    method: str
    jsonrpc: str = LanguageServerProtocol.VERSION


class Protocol(LanguageServerProtocol):
    """pygls throws a malformed request away, with its id: the editor would wait for ever."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        if not ("jsonrpc" in data and "id" in data and "method" in data):
            return super().structure_message(data)
        kind = self.get_message_type(data["method"]) or JsonRPCRequestMessage
        try:
            return self._converter.structure(data, kind)
        except (ExceptionGroup, ValueError, TypeError, KeyError):
            return Malformed(data["id"], str(data["method"]))

    def handle_message(self, message: Any) -> None:
        if isinstance(message, Malformed):
            error = JsonRpcInvalidParams(f"the parameters of {message.method[:80]} are malformed")
            self._send_response(message.id, error=error.to_response_error())
        else:
            super().handle_message(message)


class NoRefusals(logging.Filter):
    """Keeps what a reply has told out of the log; faults of the server stay in it, with their traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def quiet_refusals() -> None:
    """Editors show what a server writes on stderr as its fault."""
    logging.getLogger("pygls.protocol.json_rpc").addFilter(NoRefusals())
