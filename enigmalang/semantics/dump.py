"""The types of a checked program as text: `enig dump types`."""

from enigmalang.semantics.model import Checked, Instance
from enigmalang.source import SourceFile
from enigmalang.syntax import ast


def dump_types(checked: Checked) -> str:
    """For each instance its signature and variables, then `line:column expression: type` in the order of the text."""
    source = checked.main.tree.source
    return "\n".join(_instance(instance, source) for instance in _ordered(checked)) + "\n"


def _ordered(checked: Checked) -> list[Instance]:
    def place(instance: Instance) -> tuple[bool, str, int, int, str]:
        span = instance.node.span
        return instance.module is not checked.main, instance.module.name, span.line, span.column, instance.name

    return sorted(checked.instances, key=place)


def _instance(instance: Instance, main: SourceFile) -> str:
    source = instance.module.tree.source
    params = ", ".join(map(str, instance.param_types))
    secret = "private " if instance.result_private else ""
    lines = [f"{instance.kind} {instance.name}: ({params}) -> {secret}{instance.result}"]
    for name, type in instance.variables.items():
        mark = "private " if name in instance.private_locals else ""
        lines.append(f"  {mark}{name}: {type}")
    entries = {
        (node.span.line, node.span.column, -node.span.end_line, -node.span.end_column): f"{_text(node, source)}: {type}"
        for node, type in instance.types.items() if not isinstance(node, ast.VarDecl | ast.AugAssign | ast.Param)
    }
    lines += [f"    {key[0]}:{key[1]} {text}" for key, text in sorted(entries.items())]
    return "\n".join(lines)


def _text(node: ast.Node, source: SourceFile) -> str:
    """The text of `node`, on one line and not too long."""
    span = node.span
    if span.line == span.end_line:
        text = source.line(span.line)[span.column - 1:span.end_column - 1]
    else:
        text = source.line(span.line)[span.column - 1:] + " …"
    return text if len(text) <= 60 else text[:57] + "…"
