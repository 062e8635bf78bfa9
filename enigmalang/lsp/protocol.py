"""What goes over the wire, beyond what pygls does: every request gets a reply, and a refusal is the reply alone."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lsprotocol.types import (
    CANCEL_REQUEST,
    TEXT_DOCUMENT_DID_CHANGE,
    TEXT_DOCUMENT_DID_CLOSE,
    TEXT_DOCUMENT_DID_OPEN,
)
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, LanguageServerProtocol, lsp_method

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message whose parameters are not those of its method; `id` None: a notification, which nobody answers."""

    id: Any
    method: str
    jsonrpc: str = LanguageServerProtocol.VERSION


class Protocol(LanguageServerProtocol):
    """pygls throws a malformed request away, with its id: the editor would wait for ever. Of a malformed
    notification it writes a traceback, which editors show as a fault of the server."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        if not _is_id(data.get("id")):
            return Malformed(None, str(data.get("method", "a reply")))
        if not ("jsonrpc" in data and "method" in data):
            return super().structure_message(data)
        fallback = JsonRPCRequestMessage if "id" in data else JsonRPCNotification
        kind = self.get_message_type(data["method"]) or fallback
        try:
            message = self._converter.structure(data, kind)
        except (ExceptionGroup, ValueError, TypeError, KeyError):
            return Malformed(data.get("id"), str(data["method"]))
        if data["method"] == CANCEL_REQUEST and not _is_id(getattr(message.params, "id", None)):
            return Malformed(None, CANCEL_REQUEST)
        return message

    def handle_message(self, message: Any) -> None:
        if isinstance(message, Malformed) and message.id is None:
            log.debug("the parameters of %s are malformed", message.method[:80])
        elif isinstance(message, Malformed):
            error = JsonRpcInvalidParams(f"the parameters of {message.method[:80]} are malformed")
            self._send_response(message.id, error=error.to_response_error())
        else:
            super().handle_message(message)

    # pygls would keep texts of its own, cut lines also at U+000C, U+0085, U+2028 and the like, where the protocol has
    # no line ends, and clip the ranges of changes to those lines before `Buffer` sees them. Only ours are kept.

    @lsp_method(TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: Any) -> Iterator[Any]:
        yield from self._hand_on(TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: Any) -> Iterator[Any]:
        yield from self._hand_on(TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: Any) -> Iterator[Any]:
        yield from self._hand_on(TEXT_DOCUMENT_DID_CLOSE, params)

    def _hand_on(self, method: str, params: Any) -> Iterator[Any]:
        """To the server's own handler, as pygls runs one: (handler, arguments, options)."""
        if (handler := self.fm.features.get(method)) is not None:
            yield handler, (params,), None


def _is_id(value: object) -> bool:
    """Whether `value` can be the number or name of a message; None: it has none."""
    return value is None or isinstance(value, int | str)


class NoRefusals(logging.Filter):
    """Keeps what a reply has told out of the log; faults of the server stay in it, with their traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], JsonRpcException))


def quiet_refusals() -> None:
    """Editors show what a server writes on stderr as its fault."""
    logging.getLogger("pygls.protocol.json_rpc").addFilter(NoRefusals())
