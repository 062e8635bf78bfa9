"""What the protocol asks, each handed to the module that answers it. Imports the compiler: see server.py."""

from collections.abc import Callable
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from enigmalang.lsp.actions import code_actions
from enigmalang.lsp.buffers import Buffer
from enigmalang.lsp.completion import complete
from enigmalang.lsp.hints import inlay_hints
from enigmalang.lsp.hover import hover
from enigmalang.lsp.positions import Encoding, path_of, uri_of
from enigmalang.lsp.renaming import Refused, check_renamable, is_shared, references, rename
from enigmalang.lsp.snapshot import Good, Snapshot
from enigmalang.lsp.spread import spread
from enigmalang.lsp.symbols import document_symbols
from enigmalang.lsp.view import View
from enigmalang.lsp.workspace import PATIENCE, Workspace
from enigmalang.source import SourceFile, Span
from enigmalang.syntax.formatting import Refused as NotFormatted

#: LSP: the request is well formed and was refused (its message says why).
REQUEST_FAILED = -32803


class Answers:
    """Methods are called as server.FEATURES says; all on the event loop."""

    def __init__(
        self, tell: Callable[[Buffer, Snapshot | None], None], ready: Callable[[Buffer], None], encoding: str,
    ) -> None:
        self.documents = Workspace(tell, ready)
        self.documents.encoding = Encoding(encoding)

    async def look(
        self, document: types.TextDocumentIdentifier, patience: float | None = PATIENCE,
    ) -> View | None:
        return await self.documents.view(path_of(document.uri), patience)

    # ---- documents

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        given = params.text_document
        path = path_of(given.uri)
        text = given.text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.documents.open(Buffer(given.uri, path, given.version, spread(SourceFile(path, text))))

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        buffer = self.documents.buffers.get(path_of(params.text_document.uri))
        if buffer is None:
            return
        for change in params.content_changes:
            buffer.change(change, self.documents.encoding)
        buffer.version = params.text_document.version
        self.documents.changed(buffer)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        self.documents.close(path_of(params.text_document.uri))

    def files_changed(self, params: types.DidChangeWatchedFilesParams) -> None:
        self.documents.refresh_all()

    # ---- questions

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        view = await self.look(params.text_document)
        return None if view is None else hover(view, params.position)

    async def definition(self, params: types.DefinitionParams) -> types.Location | None:
        view = await self.look(params.text_document)
        occurrence = view.occurrence(params.position) if view is not None else None
        if view is None or occurrence is None:
            return None
        return view.location(occurrence.definition.meant.span)

    async def references(self, params: types.ReferenceParams) -> list[types.Location]:
        view = await self.look(params.text_document, None)
        occurrence = view.occurrence(params.position) if view is not None else None
        if view is None or occurrence is None:
            return []
        programs = await self._programs(view, is_shared(occurrence.definition), occurrence.definition.span.path)
        declaration = params.context.include_declaration
        return [self._where(good, o.span, view) for good, o in references(
            occurrence.definition, programs, declaration)]

    async def highlight(self, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        view = await self.look(params.text_document)
        occurrence = view.occurrence(params.position) if view is not None else None
        if view is None or occurrence is None:
            return []
        return [types.DocumentHighlight(view.range(o.span))
                for _, o in references(occurrence.definition, [view.good])]

    async def symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        view = await self.look(params.text_document)
        return [] if view is None else document_symbols(view)

    async def completion(self, params: types.CompletionParams) -> list[types.CompletionItem]:
        view = await self.look(params.text_document, 0)
        if view is None:
            return []
        return complete(view, params.position, await self.documents.module_names(view.source.path))

    async def hints(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        view = await self.look(params.text_document)
        return [] if view is None else inlay_hints(view, params.range)

    async def prepare(self, params: types.PrepareRenameParams) -> types.Range | None:
        view = await self.look(params.text_document, None)
        occurrence = view.occurrence(params.position) if view is not None else None
        if view is None or occurrence is None:
            return None
        try:
            check_renamable(occurrence.definition)
        except Refused as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from error
        return view.range(occurrence.span)

    async def rename(self, params: types.RenameParams) -> types.WorkspaceEdit:
        view = await self.look(params.text_document, None)
        if view is None or not view.snapshot.exact or view.source.text != view.good.source.text:
            raise JsonRpcException("correct the syntax errors first: they may hide uses of the name", REQUEST_FAILED)
        occurrence = view.occurrence(params.position)
        if occurrence is None:
            raise JsonRpcException("there is no name that could be changed here", REQUEST_FAILED)
        name = occurrence.definition
        programs = await self._programs(view, is_shared(name), name.span.path)
        broken = [p for p, s in self.documents.snapshots.items() if not s.exact and s.good in programs]
        if broken:
            raise JsonRpcException(f"correct the syntax errors in {Path(broken[0]).name} first", REQUEST_FAILED)
        try:
            return rename(name, params.new_name, programs, self.documents.encoding)
        except Refused as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from error

    async def format(self, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        """None, and no error, for a text with syntax errors: editors format whenever a file is saved."""
        buffer = self.documents.buffers.get(path_of(params.text_document.uri))
        if buffer is None:
            return []
        source = buffer.source.real
        if not source.text.strip():
            return []  # as `enig fmt` leaves a blank file as it is
        try:
            text = await self.documents.formatted(buffer)
        except NotFormatted:
            return None
        return [] if text == source.text else [types.TextEdit(
            self.documents.encoding.range(source, source.whole()), text)]

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        view = await self.look(params.text_document)
        if view is None or view.snapshot.source.text != view.source.text:
            return []
        return code_actions(view.snapshot.diagnostics, view.source, view.encoding, params.range)

    async def _programs(self, view: View, shared: bool, path: str) -> list[Good]:
        """The programs in which a name can occur that is declared in the file at `path`."""
        if not shared:
            return [view.good]
        found = await self.documents.programs(path if not path.startswith("<") else view.source.path)
        return found if view.good in found else [view.good, *found]

    def _where(self, good: Good, span: Span, view: View) -> types.Location:
        if span.path == view.source.path:
            return view.location(span)
        return types.Location(uri_of(span.path), self.documents.encoding.range(good.source, span))
