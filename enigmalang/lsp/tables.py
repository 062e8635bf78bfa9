"""The checker's tables over all instances of each function."""

from collections import defaultdict
from functools import cached_property

from enigmalang.semantics.model import Checked, Instance
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import StructT, Type


class Tables:
    """Each is made when it is first asked for."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    @cached_property
    def types(self) -> dict[ast.Node, tuple[Type, ...]]:
        """The types of each expression, one for each way its function was called."""
        found: dict[ast.Node, dict[Type, None]] = defaultdict(dict)
        for instance in self.checked.instances:
            for node, type in instance.types.items():
                found[node].setdefault(type)
        return {node: tuple(types) for node, types in found.items()}

    @cached_property
    def instances(self) -> dict[ast.Node, list[Instance]]:
        """The instances of each function, script and test."""
        found: dict[ast.Node, list[Instance]] = defaultdict(list)
        for instance in self.checked.instances:
            found[instance.node].append(instance)
        return found

    @cached_property
    def functions(self) -> dict[Span, list[Instance]]:
        """The same by where its variables can be seen."""
        return {(n.source.whole() if isinstance(n, ast.Module) else n.span): i for n, i in self.instances.items()}

    @cached_property
    def declared_types(self) -> dict[ast.Node, Type]:
        """The types of state, constants and fields, by their declarations."""
        tables = [*(m.symbols for m in self.checked.modules.values()),
                  *(c.symbols for c in self.checked.contracts.values())]
        symbols = [symbol for table in tables for symbol in table.values()]
        found = {s.node: s.type for s in symbols if s.node is not None and s.type is not None}
        for node, type in list(found.items()):
            if isinstance(node, ast.StructDecl) and isinstance(type, StructT):
                found.update(zip(node.fields, (f.type for f in type.fields), strict=True))
        return found
