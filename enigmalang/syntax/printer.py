"""The tree as text: one node a line, stable, for golden files and `enig dump ast`."""

from dataclasses import fields

from enigmalang.source import SourceFile, Span
from enigmalang.syntax.ast import Keyword, Module, Node

_STEP = "  "


def format_tree(module: Module, *, spans: bool = True) -> str:
    """`module` as an outline: the node's kind, its plain values, its place, and its parts indented below.

    Without `spans` two texts that mean the same program have the same outline.
    """
    lines: list[str] = []
    work: list[tuple[Node, str, int]] = [(module, "", 0)]
    while work:
        node, label, depth = work.pop()
        lines.append(f"{_STEP * depth}{_line(node, label, spans)}")
        work.extend(reversed([(child, name, depth + 1) for name, child in _parts(node)]))
    return "\n".join(lines) + "\n"


def _line(node: Node, label: str, spans: bool) -> str:
    plain = [
        f" {item.name}={_plain(getattr(node, item.name))}"
        for item in fields(node)
        if item.name not in ("span", "source") and _is_plain(getattr(node, item.name), item.name)
    ]
    if not spans:
        plain = [text for text in plain if not text.startswith(" name_span=")]
    place = f"  @{_place(node.span)}" if spans and not isinstance(node, Module) else ""
    return f"{label}{type(node).__name__}{''.join(plain)}{place}"


def _is_plain(value: object, name: str) -> bool:
    """Whether `value` stands on the node's own line; empty values are left out."""
    if isinstance(value, tuple):
        return bool(value) and not any(isinstance(item, Node) for item in value)
    return value is not None and (value is not False or name == "value") and not isinstance(value, Node | SourceFile)


def _plain(value: object) -> str:
    if isinstance(value, Span):
        return _place(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(map(repr, value)) + ")"
    return repr(value)


def _place(span: Span) -> str:
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def _parts(node: Node) -> list[tuple[str, Node]]:
    """The child nodes with the name of their field; the items of a tuple are numbered by their order only."""
    parts: list[tuple[str, Node]] = []
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Node):
            parts.append((f"{item.name}: ", value))
        elif isinstance(value, tuple):
            label = "" if item.name in ("body", "items", "args") or isinstance(node, Keyword) else f"{item.name}: "
            parts.extend((label, child) for child in value if isinstance(child, Node))
    return parts
