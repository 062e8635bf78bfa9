"""References and renaming, over all programs that know the name."""

import re
from collections.abc import Iterable, Iterator

from lsprotocol import types

from enigmalang.lsp.index import Occurrence
from enigmalang.lsp.names import Declared, Definition, within
from enigmalang.lsp.positions import Encoding, uri_of
from enigmalang.lsp.snapshot import Good
from enigmalang.lsp.spread import shown
from enigmalang.semantics.loader import in_stdlib
from enigmalang.semantics.names import is_firm
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.syntax.words import FUNCTIONS, RESERVED, SIZED_TYPES, TYPES, VALUES

#: Names of these are seen by other files; the rest only where they stand.
_SHARED = frozenset((
    "const", "function", "method", "contract", "state", "struct", "enum", "event", "error", "interface", "predicate",
    "field", "member", "param"))


class Refused(Exception):
    """The name cannot be changed so; the text says why."""


def is_shared(name: Definition) -> bool:
    """Whether other files can use the name."""
    return name.kind in _SHARED


def references(
    name: Definition, programs: Iterable[Good], declaration: bool = True,
) -> Iterator[tuple[Good, Occurrence]]:
    """Every place that means `name`, once, each with a program whose main file it stands in."""
    seen: set[Span] = set()
    for good in programs:
        for occurrence in good.index.main.occurrences:
            if not same(occurrence.definition, name) or occurrence.span in seen:
                continue
            if occurrence.declares and not declaration:
                continue
            seen.add(occurrence.span)
            yield good, occurrence


def same(a: Definition, b: Definition) -> bool:
    """Whether two programs mean the same declaration."""
    return a.span == b.span and a.name == b.name and a.kind == b.kind


def check_renamable(name: Definition) -> None:
    """Raises Refused for what has its name from elsewhere."""
    if name.kind == "module" or (name.kind == "alias" and isinstance(name.node, ast.Import) and not name.node.alias):
        raise Refused(f"the module `{name.name}` is called as its file is")
    if in_stdlib(name.span.path):
        raise Refused(f"`{name.name}` belongs to the standard library")
    if name.kind == "identity" and isinstance(name.node, ast.IdentityDecl):
        raise Refused(f"`{name.name}` is the name of a key of the keystore")
    if name.name == "init" and name.kind == "method":
        raise Refused("`init` is what a constructor is called")


def rename(name: Definition, new: str, programs: list[Good], encoding: Encoding) -> types.WorkspaceEdit:
    """The edits that give `name` the name `new` everywhere. Raises Refused when that is no name, or means something
    else already where it would be seen."""
    check_renamable(name)
    _check_word(new)
    changes: dict[str, list[types.TextEdit]] = {}
    if new != name.name:
        found = list(references(name, programs))
        for good in programs:
            _check_free(name, new, good, found)
        for good, occurrence in found:
            changes.setdefault(uri_of(occurrence.span.path), []).append(
                types.TextEdit(encoding.range(good.source, occurrence.span), new))
    return types.WorkspaceEdit(changes=changes)


def _check_word(new: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", new):
        raise Refused(f"`{new}` is not a name: a name is letters, digits and `_`, and does not begin with a digit")
    if new in RESERVED:
        raise Refused(f"`{new}` is a keyword")
    if is_firm(new) or new in FUNCTIONS | VALUES | TYPES | SIZED_TYPES:
        raise Refused(f"`{new}` is a word of the language")


def _check_free(name: Definition, new: str, good: Good, found: list[tuple[Good, Occurrence]]) -> None:
    """Raises Refused when `new` stands for something where `name` is seen in the main file of `good`."""
    index, path = good.index, good.source.path
    used = [o for g, o in found if g is good]
    if not used and name.span.path != path:
        return
    declared = index.declared[path]
    if name.extent is None or name.kind == "param":
        for members in declared.members.values():
            inside = [d for d in members.values() if same(d, name)]
            if inside and new in members:
                raise Refused(f"`{name.owner}` has `{new}` already, in line {_line(declared, members[new].span)}")
    if name.extent is None:
        return
    _check_scopes(name, new, good, used)


def _line(declared: Declared, span: Span) -> int:
    return shown(declared.source, span.line)


def _check_scopes(name: Definition, new: str, good: Good, used: list[Occurrence]) -> None:
    index, path = good.index, good.source.path
    declared = index.declared[path]
    extent = name.extent if name.span.path == path else declared.source.whole()
    assert extent is not None
    for occurrence in index.main.occurrences:
        other = occurrence.definition
        if other.name == new and other.extent is not None and within(extent, occurrence.span):
            raise Refused(f"`{new}` means something else in line {_line(declared, occurrence.span)}")
    if new in declared.module:
        raise Refused(f"`{new}` is declared or imported already")
    for names in declared.contracts.values():
        other_member = names.get(new)
        if other_member is not None and other_member.extent is not None and any(
                within(other_member.extent, o.span) for o in used):
            raise Refused(f"`{new}` is declared already, in line {_line(declared, other_member.span)}")
