"""The language server. Until the editor has its answer to `initialize`, nothing of the compiler is imported."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

import enigmalang
from enigmalang.lsp.protocol import Protocol, quiet_refusals

if TYPE_CHECKING:
    from enigmalang.lsp.answers import Answers
    from enigmalang.lsp.buffers import Buffer
    from enigmalang.lsp.snapshot import Snapshot

#: Threads take turns this often (seconds), so that an answer does not wait long for the compiler's thread.
SWITCH = 0.001

#: Notifications: method of the protocol, and of Answers.
NOTICES = {
    types.TEXT_DOCUMENT_DID_OPEN: "opened",
    types.TEXT_DOCUMENT_DID_CHANGE: "changed",
    types.TEXT_DOCUMENT_DID_CLOSE: "closed",
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: "files_changed",
}
#: Requests: method of the protocol; method of Answers, and options that the editor is told.
FEATURES: dict[str, tuple[str, Any]] = {
    types.TEXT_DOCUMENT_HOVER: ("hover", None),
    types.TEXT_DOCUMENT_DEFINITION: ("definition", None),
    types.TEXT_DOCUMENT_REFERENCES: ("references", None),
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: ("highlight", None),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: ("symbols", None),
    types.TEXT_DOCUMENT_COMPLETION: ("completion", types.CompletionOptions(trigger_characters=["."])),
    types.TEXT_DOCUMENT_INLAY_HINT: ("hints", None),
    types.TEXT_DOCUMENT_PREPARE_RENAME: ("prepare", None),
    types.TEXT_DOCUMENT_RENAME: ("rename", types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_FORMATTING: ("format", None),
    types.TEXT_DOCUMENT_CODE_ACTION: (
        "actions", types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])),
}


class Server(LanguageServer):
    """The server of one editor."""

    def __init__(self) -> None:
        super().__init__("enigmalang", enigmalang.__version__, protocol_cls=Protocol)
        self.was_shut_down = False
        self._answers: Answers | None = None

    @property
    def answers(self) -> "Answers":
        """Made, and the compiler imported, when first needed."""
        if self._answers is None:
            from enigmalang.lsp.answers import Answers

            agreed = self.workspace.position_encoding
            self._answers = Answers(self.tell, self.ready, str(getattr(agreed, "value", agreed) or "utf-16"))
        return self._answers

    def tell(self, buffer: "Buffer", snapshot: "Snapshot | None") -> None:
        """Publish the diagnostics of a document; none when it was closed."""
        from enigmalang.lsp.actions import published

        encoding = self.answers.documents.encoding
        found = [] if snapshot is None else [
            published(d, snapshot.source, encoding, snapshot.module, snapshot.others)
            for d in snapshot.diagnostics]
        version = None if snapshot is None else snapshot.version
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(buffer.uri, found, version))

    def ready(self, buffer: "Buffer") -> None:
        """The tables of a document are new: an editor that can asks for its inlay hints again."""
        workspace = self.client_capabilities.workspace
        hints = workspace.inlay_hint if workspace is not None else None
        if hints is not None and hints.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    def stop(self) -> None:
        if self._answers is not None:
            self._answers.documents.stop()


def make_server() -> Server:
    """A server with all its features."""
    server = Server()
    for method, name in NOTICES.items():
        server.feature(method)(_notice(server, name))
    for method, (name, options) in FEATURES.items():
        server.feature(method, options)(_question(server, name))

    @server.feature(types.INITIALIZED)
    def initialized(*params: object) -> None:
        asyncio.get_running_loop().call_soon(lambda: server.answers)  # imports while the editor draws itself

    @server.feature(types.SHUTDOWN)
    def shut_down(*params: object) -> None:
        server.was_shut_down = True
        server.stop()

    return server


def _notice(server: Server, name: str) -> Callable[[Any], None]:
    def handle(params: Any) -> None:
        getattr(server.answers, name)(params)

    return handle


def _question(server: Server, name: str) -> Callable[[Any], Awaitable[Any]]:
    async def handle(params: Any) -> Any:
        return await getattr(server.answers, name)(params)

    return handle


def serve() -> int:
    """Answer an editor on stdin and stdout until it says `exit`. The status is 1 when it did not shut down before."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    quiet_refusals()
    sys.setswitchinterval(SWITCH)
    server = make_server()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # stdout is the protocol's: what is printed goes elsewhere
    try:
        server.start_io(stdout=out)
    finally:
        server.stop()
        if not out.closed:
            out.close()
    return 0 if server.was_shut_down else 1
