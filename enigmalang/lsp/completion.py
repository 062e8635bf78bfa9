"""Completion: names in scope, members after a dot, modules, types, keywords and identities."""

import re
from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from enigmalang.lsp.hover import fact_of, has_parts, signature, types_of, types_text
from enigmalang.lsp.names import Definition
from enigmalang.lsp.receivers import Owner, members, owners, receiver
from enigmalang.lsp.view import View, quoted
from enigmalang.lsp.words import SOFT, about, usage
from enigmalang.semantics.databases import METHODS
from enigmalang.source import SourceFile, Span
from enigmalang.source.shipped import shipped
from enigmalang.syntax import ast
from enigmalang.syntax.words import FUNCTIONS, RESERVED, TYPES, VALUES
from enigmalang.types.types import ListT

_K = types.CompletionItemKind
_KINDS = {
    "local": _K.Variable, "param": _K.Variable, "const": _K.Constant, "function": _K.Function, "method": _K.Method,
    "contract": _K.Class, "state": _K.Field, "struct": _K.Struct, "enum": _K.Enum, "event": _K.Event,
    "error": _K.Event, "interface": _K.Interface, "predicate": _K.Function, "module": _K.Module, "field": _K.Field,
    "member": _K.EnumMember, "identity": _K.Value,
}
#: Offered although many more exist: what people write.
_COMMON_TYPES = (
    *sorted(TYPES - {"map", "list"}), "list", "map",
    *(f"{sign}{bits}" for sign in ("uint", "int") for bits in (8, 16, 32, 64, 128, 256)), "bytes4", "bytes32",
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_TYPE_PLACE = re.compile(r"(?:->\s*(?:private\s+)?|^\s*(?:private\s+)?\w+\s*:\s*|[(,]\s*(?:private\s+)?\w+\s*:\s*)$")


def complete(view: View, position: types.Position, modules: Sequence[str]) -> list[types.CompletionItem]:
    """What can be written at the position; `modules` are those that can be imported."""
    line, column = view.encoding.place(view.source, position)
    before = view.source.line(line)[: column - 1]
    if quoted(before):
        return []
    typed = _WORD.search(before)
    head = before[: typed.start()] if typed else before
    anchor = _anchor(view, line, column)
    if head.endswith(".") and not head.endswith(".."):
        return list(_after_dot(view, anchor, receiver(head[:-1])))
    if re.match(r"\s*(?:import|from)\s+$", head):
        return [types.CompletionItem(name, kind=_K.Module) for name in modules]
    if (found := re.match(r"\s*from\s+(\w+)\s+import\b.*[\s,(]$", head)) is not None:
        return list(_of_module(view, found[1]))
    visible = list(view.visible(*anchor))
    if re.match(r"\s*as\s+$", head):
        return [_item(view, d, anchor) for d in visible if d.kind == "identity" or _is_identity(view, d)] + [
            types.CompletionItem(name, kind=_K.Value, detail="identity") for name in _known_identities(view, visible)]
    items = [_item(view, d, anchor) for d in visible if not d.name.startswith("__")]
    if _TYPE_PLACE.search(head):
        named = [i for i, d in zip(items, visible, strict=False) if d.meant.kind in (
            "struct", "enum", "interface", "contract")]
        return [*(_word(t, _K.TypeParameter) for t in ("private", *_COMMON_TYPES)), *named]
    return [*items, *_language(head, {d.name for d in visible})]


def _anchor(view: View, line: int, column: int) -> tuple[int, int]:
    """Where to look up names: on an empty line, the statement before it that stands as deep or less."""
    source = view.source
    if not source.line(line)[: column - 1].strip() or _WORD.fullmatch(source.line(line).strip()):
        depth = len(source.line(line)[: column - 1]) - len(source.line(line)[: column - 1].lstrip())
        depth = max(depth, 0) if source.line(line).strip() else column - 1
        for number in range(line - 1, 0, -1):
            text = source.line(number)
            indent = len(text) - len(text.lstrip())
            if text.strip() and not text.lstrip().startswith("#") and indent <= depth:
                line, column = number, len(text) + 1
                if indent < depth and not text.rstrip().endswith(":"):
                    continue
                break
    return view.shift.back(line, column)


# ------------------------------------------------------------------------------------------------------ items


def _item(view: View, name: Definition, anchor: tuple[int, int]) -> types.CompletionItem:
    meant = name.meant
    return types.CompletionItem(
        name.name, kind=_KINDS.get(meant.kind, _K.Text), detail=detail(view, meant, anchor),
        documentation=getattr(meant.node, "docstring", None) or None, sort_text=f"{_rank(meant)}{name.name}")


def _rank(name: Definition) -> int:
    if name.kind in ("local", "param", "identity"):
        return 0
    return 1 if name.owner else 2


def detail(view: View, name: Definition, anchor: tuple[int, int]) -> str:
    """Type and secrecy, in one line."""
    if name.kind in ("local", "param", "state", "field"):
        line = max(name.span.line, anchor[0])
        fact = fact_of(view, name, Span(name.span.path, line, 1, line, 1))
        found = types_of(view.good.index, name)
        private = name.private or (fact is not None and fact.private and not has_parts(found))
        return f"{'private ' if private else ''}{types_text(found) or '?'}"
    return signature(view, name).split("\n")[0]


def _word(word: str, kind: types.CompletionItemKind) -> types.CompletionItem:
    return types.CompletionItem(word, kind=kind, detail=usage(word), documentation=about(word), sort_text=f"3{word}")


def _language(head: str, taken: set[str]) -> Iterator[types.CompletionItem]:
    yield from (_word(w, _K.Function) for w in sorted(FUNCTIONS - taken))
    yield from (_word(w, _K.Constant) for w in sorted(VALUES - taken))
    yield from (_word(w, _K.Keyword) for w in sorted(RESERVED))
    if not head.strip() or head.strip() in SOFT:
        yield from (_word(w, _K.Keyword) for w in SOFT if w not in FUNCTIONS)
    elif head.rstrip().endswith("="):
        yield from (_word(w, _K.Keyword) for w in ("deploy", "submit"))


def _after_dot(view: View, anchor: tuple[int, int], text: str) -> Iterator[types.CompletionItem]:
    seen: set[str] = set()
    for owner in owners(view, *anchor, text) if text else ():
        for item in (*(_item(view, d, anchor) for d in members(view, owner)), *_built_in(owner)):
            if item.label not in seen:
                seen.add(item.label)
                yield item


def _built_in(owner: Owner) -> Iterator[types.CompletionItem]:
    """Members that the language gives."""
    match owner:
        case ListT():
            yield types.CompletionItem("append", kind=_K.Method, detail="append(x)")
            yield types.CompletionItem("pop", kind=_K.Method, detail="pop()")
        case "block":
            for word in ("number", "timestamp"):
                yield types.CompletionItem(word, kind=_K.Field, detail="uint256")
        case ast.ContractDef():
            yield types.CompletionItem("balance", kind=_K.Field, detail="uint256")
        case str() if owner in METHODS:
            for word, (names, _) in METHODS[owner].items():
                yield types.CompletionItem(word, kind=_K.Method, detail=f"{word}({', '.join(names)})")
        case _:
            pass


def _of_module(view: View, name: str) -> Iterator[types.CompletionItem]:
    info = view.good.index.checked.modules.get(name)
    if info is not None:
        yield from (_item(view, d, (1, 1)) for d in members(view, info.tree))
        return
    path = shipped("stdlib") / f"{name}.enig"  # not imported yet: only its names are known
    if path.is_file():
        text = SourceFile(str(path), path.read_text("utf-8")).text
        for found in re.finditer(r"^def ([A-Za-z]\w*)\((.*)\)", text, re.MULTILINE):
            yield types.CompletionItem(found[1], kind=_K.Function, detail=f"def {found[1]}({found[2]})")


# ------------------------------------------------------------------------------------------------- identities


def _is_identity(view: View, name: Definition) -> bool:
    return name.kind in ("local", "param") and any(str(t) == "identity" for t in types_of(view.good.index, name))


def _known_identities(view: View, visible: Iterable[Definition]) -> list[str]:
    """Those that the file uses anywhere, and the usual ones of tests."""
    used = {d.name for d in view.good.index.main.locals if d.kind == "identity"}
    return sorted((used | {"alice", "bob", "carol"}) - {d.name for d in visible})
