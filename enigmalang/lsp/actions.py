"""Code actions: the fixes that diagnostics carry; and diagnostics in the protocol's form."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lsprotocol import types

from enigmalang.diagnostics import Diagnostic, Severity
from enigmalang.lsp.positions import Encoding, uri_of
from enigmalang.source import SourceFile, Span
from enigmalang.source.shipped import on_disk
from enigmalang.syntax import ast


def published(
    diagnostic: Diagnostic, source: SourceFile, encoding: Encoding, module: ast.Module | None,
    others: Mapping[str, SourceFile] = MappingProxyType({}),
) -> types.Diagnostic:
    """`diagnostic` as an editor shows it in the document `source`; `others`: texts of other files that it may name.

    What is wrong in another file is told at the import that leads there.
    """
    here = diagnostic.span.path == source.path
    related = [] if here else [_related(diagnostic.span, "it is here", source, encoding, others)]
    related += [_related(note.span, note.text, source, encoding, others) for note in diagnostic.notes if note.span.line]
    message = diagnostic.message if here else f"in {diagnostic.span.path}: {diagnostic.message}"
    return types.Diagnostic(
        encoding.range(source, diagnostic.span if here else _import(diagnostic.span.path, source, module)),
        message if diagnostic.help is None else f"{message}\nhelp: {diagnostic.help}",
        severity=types.DiagnosticSeverity.Error if diagnostic.severity is Severity.ERROR
        else types.DiagnosticSeverity.Warning,
        code=diagnostic.code, source="enigmalang", related_information=related,
        tags=[types.DiagnosticTag.Unnecessary] if diagnostic.code == "W0317" else None)


def _related(
    span: Span, text: str, source: SourceFile, encoding: Encoding, others: Mapping[str, SourceFile],
) -> types.DiagnosticRelatedInformation:
    other = source if span.path == source.path else others.get(span.path) or _read(span.path)
    return types.DiagnosticRelatedInformation(types.Location(uri_of(span.path), encoding.range(other, span)), text)


def _read(path: str) -> SourceFile:
    try:
        return SourceFile(path, on_disk(path).read_text("utf-8", "replace"))
    except (OSError, ValueError):
        return SourceFile(path, "")


def _import(path: str, source: SourceFile, module: ast.Module | None) -> Span:
    for node in module.body if module is not None else ():
        if isinstance(node, ast.Import | ast.FromImport) and path.endswith(f"/{node.module}.enig"):
            return node.span
    return Span(source.path, 1, 1, 1, len(source.line(1)) + 1)


def code_actions(
    diagnostics: tuple[Diagnostic, ...], source: SourceFile, encoding: Encoding, wanted: types.Range,
) -> list[types.CodeAction]:
    """The fixes of the diagnostics that touch the range `wanted` of `source`, whose diagnostics they are."""
    return list(_actions(diagnostics, source, encoding, wanted))


def _actions(
    diagnostics: tuple[Diagnostic, ...], source: SourceFile, encoding: Encoding, wanted: types.Range,
) -> Iterator[types.CodeAction]:
    made: set[str] = set()
    for diagnostic in diagnostics:
        if diagnostic.span.path != source.path or not _touch(encoding.range(source, diagnostic.span), wanted):
            continue
        for fix in diagnostic.fixes:
            if any(edit.span.path != source.path for edit in fix.edits):
                continue
            edits = [types.TextEdit(encoding.range(source, e.span), e.text) for e in fix.edits]
            key = repr(edits)
            if key in made:
                continue
            made.add(key)
            yield types.CodeAction(
                fix.title[0].upper() + fix.title[1:], kind=types.CodeActionKind.QuickFix,
                diagnostics=[published(diagnostic, source, encoding, None)],
                is_preferred=len(diagnostic.fixes) == 1 or None,
                edit=types.WorkspaceEdit(changes={uri_of(source.path): edits}))


def _touch(a: types.Range, b: types.Range) -> bool:
    return (a.start.line, a.start.character) <= (b.end.line, b.end.character) and (
        b.start.line, b.start.character) <= (a.end.line, a.end.character)
