"""Every place where a name is written, and what it stands for there."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from enigmalang.lsp.names import Declared, Definition, covers, first_name, last_name, name_in, names_of
from enigmalang.lsp.tables import Tables
from enigmalang.semantics.model import Checked, Kind
from enigmalang.semantics.statements import is_statement
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.types import ContractT, StructT


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """A name written at `span`; `node` is the expression or declaration that it is the name of."""

    span: Span
    definition: Definition
    node: ast.Node
    declares: bool = False


@dataclass(slots=True, eq=False)
class Names:
    """The occurrences of one module, in the order of the text, and the definitions that its functions make."""

    path: str
    occurrences: list[Occurrence] = field(default_factory=list)
    locals: list[Definition] = field(default_factory=list)
    given: dict[Definition, list[Span]] = field(default_factory=dict)  # what each variable gets: values, or iterables
    starts: list[tuple[int, int]] = field(default_factory=list)

    def at(self, line: int, column: int) -> Occurrence | None:
        """The name at the place, or directly before it."""
        number = bisect_right(self.starts, (line, column)) - 1
        for occurrence in self.occurrences[max(0, number - 1): number + 1][::-1]:
            if covers(occurrence.span, line, column):
                return occurrence
        return None


class Index(Tables):
    """The names of a program. Modules other than the main one are walked when they are first asked about."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(checked)
        self.declared = {m.tree.source.path: Declared(m) for m in checked.modules.values()}
        self.by_node: dict[ast.Node, Definition] = {}
        for declared in self.declared.values():
            self.by_node.update(declared.by_node)
        for path in self.declared:
            self._import(path, set())
        self._walked: dict[str, Names] = {}

    def names(self, path: str) -> Names | None:
        if path not in self.declared:
            return None
        if path not in self._walked:
            self._walked[path] = _Walk(self, self.declared[path]).run()
        return self._walked[path]

    @property
    def main(self) -> Names:
        found = self.names(self.checked.main.tree.source.path)
        assert found is not None
        return found

    def declaration(self, name: str, kind: type[ast.Node]) -> ast.Node | None:
        """The struct, contract or interface of this name, wherever it is declared."""
        return next((n for n in self.by_node if isinstance(n, kind) and getattr(n, "name", None) == name), None)

    # ---- imports

    def _import(self, path: str, seen: set[str]) -> None:
        """Declare what the module imports; modules that it imports from come first."""
        if path in seen:
            return
        seen.add(path)
        declared = self.declared[path]
        for node in declared.info.tree.body:
            if isinstance(node, ast.Import):
                self._import_module(declared, node)
            elif isinstance(node, ast.FromImport):
                info = self.checked.modules.get(node.module)
                source = self.declared.get(info.tree.source.path) if info is not None else None
                if source is not None:
                    self._import(source.source.path, seen)
                for name, alias in zip(node.names, node.aliases, strict=True):
                    target = source.module.get(name.id) if source is not None else None
                    if target is not None:
                        self._imported(declared, node, name, alias, target)

    def _import_module(self, declared: Declared, node: ast.Import) -> None:
        info = self.checked.modules.get(node.module)
        if info is None:
            return
        whole = declared.source.whole()
        span = name_in(declared.source, node.span, node.module, r"import[ \t]+")
        start = Span(info.tree.source.path, 1, 1, 1, 1)
        module = Definition(node.module, "module", start, info.tree, None)
        self.by_node[node] = module
        if node.alias is None:
            declared.module.setdefault(node.module, Definition(
                node.module, "alias", span, node, whole, target=module))
        else:
            place = name_in(declared.source, Span(span.path, span.end_line, span.end_column, node.span.end_line,
                                                  node.span.end_column), node.alias, r"[ \t]*as[ \t]+")
            declared.module.setdefault(node.alias, Definition(node.alias, "alias", place, node, whole, target=module))

    def _imported(
        self, declared: Declared, node: ast.FromImport, name: ast.Name, alias: str | None, target: Definition,
    ) -> None:
        if alias is None:
            declared.module.setdefault(name.id, target)
            return
        rest = Span(name.span.path, name.span.end_line, name.span.end_column, node.span.end_line, node.span.end_column)
        place = name_in(declared.source, rest, alias, r"[ \t]*as[ \t]+")
        declared.module.setdefault(alias, Definition(
            alias, "alias", place, node, declared.source.whole(), target=target.meant))


def build_index(checked: Checked) -> Index:
    """The index of `checked`, with the names of its main file."""
    index = Index(checked)
    index.names(checked.main.tree.source.path)
    return index


class _Walk:
    """Resolves the names of one module by the rules of semantics.context.Body.lookup."""

    def __init__(self, index: Index, declared: Declared) -> None:
        self.index = index
        self.declared = declared
        self.found = Names(declared.source.path)
        self.contract: ast.ContractDef | None = None
        self.function: ast.Node | None = None
        self.owner = ""
        self.locals: dict[str, Definition] = {}
        self.scopes: list[dict[str, Definition]] = []

    def run(self) -> Names:
        tree = self.declared.info.tree
        self._imports(tree)
        for definition in self.declared.by_node.values():
            self.add(definition.span, definition, definition.node, declares=True)
        self.enter(tree, tuple(n for n in tree.body if is_statement(n)), ())
        script = self.locals
        for node in tree.body:
            if is_statement(node):
                self.function, self.locals, self.owner = tree, script, ""
                self.visit(node)
            else:
                self.declaration(node)
        self.found.occurrences.sort(key=lambda o: (o.span.line, o.span.column))
        self.found.starts = [(o.span.line, o.span.column) for o in self.found.occurrences]
        return self.found

    def add(self, span: Span, definition: Definition, node: ast.Node, declares: bool = False) -> None:
        self.found.occurrences.append(Occurrence(span, definition, node, declares))

    def _imports(self, tree: ast.Module) -> None:
        for node in tree.body:
            if isinstance(node, ast.Import) and node in self.index.by_node:
                span = name_in(self.declared.source, node.span, node.module, r"import[ \t]+")
                self.add(span, self.index.by_node[node], node)
                own = self.declared.module.get(node.alias) if node.alias else None
                if own is not None and own.node is node:
                    self.add(own.span, own, node, declares=True)
            elif isinstance(node, ast.FromImport):
                self._from(node)

    def _from(self, node: ast.FromImport) -> None:
        info = self.index.checked.modules.get(node.module)
        source = self.index.declared.get(info.tree.source.path) if info is not None else None
        if info is None or source is None:
            return
        start = Span(info.tree.source.path, 1, 1, 1, 1)
        span = name_in(self.declared.source, node.span, node.module, r"from[ \t]+")
        self.add(span, Definition(node.module, "module", start, info.tree, None), node)
        for name, alias in zip(node.names, node.aliases, strict=True):
            target = source.module.get(name.id)
            if target is not None:
                self.add(name.span, target, name)
            own = self.declared.module.get(alias) if alias else None
            if own is not None and own.node is node:
                self.add(own.span, own, node, declares=True)

    # ---- scopes

    def lookup(self, name: str) -> Definition | None:
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in self.locals:
            return self.locals[name]
        if self.contract is not None and name in self.declared.contracts[self.contract]:
            return self.declared.contracts[self.contract][name]
        return self.declared.module.get(name)

    def enter(self, function: ast.Node, body: tuple[ast.Node, ...], params: tuple[ast.Param, ...]) -> None:
        """Begin a function, script or test: its parameters, and the names that its statements assign."""
        self.function, self.scopes = function, []
        self.locals = {p.name: self.declared.by_node[p] for p in params if p in self.declared.by_node}
        extent = function.span if not isinstance(function, ast.Module) else self.declared.source.whole()
        for statement in body:
            for node in ast.walk(statement):
                match node:
                    case ast.VarDecl():
                        self._local(node.name, node.name_span, node, extent, node.private)
                    case ast.Assign(target=target) | ast.For(target=target):
                        for name in names_of(target):
                            outer = self.declared.contracts.get(self.contract, {}) if self.contract else {}
                            if isinstance(node, ast.For) or name.id not in outer:
                                self._local(name.id, name.span, node, extent)
                    case ast.IdentityDecl(names=names):
                        for name in names:
                            self._local(name.id, name.span, node, extent, kind="identity")
                    case _:
                        pass
        self._identities(function, extent)

    def _identities(self, function: ast.Node, extent: Span) -> None:
        """Those that a test uses without declaring them."""
        for instance in self.index.instances.get(function, ()) if isinstance(function, ast.TestDef) else ():
            used = [n for n, s in instance.names.items() if s.kind is Kind.IDENTITY and isinstance(n, ast.Name)]
            for name in sorted(used, key=lambda n: n.span):
                self._local(name.id, name.span, name, extent, kind="identity")

    def _local(
        self, name: str, span: Span, node: ast.Node, extent: Span, private: bool = False, kind: str = "local",
    ) -> None:
        if name not in self.locals:
            self.locals[name] = Definition(name, kind, span, node, extent, self.owner, private)
            self.found.locals.append(self.locals[name])

    # ---- the tree

    def declaration(self, node: ast.Node) -> None:
        match node:
            case ast.ContractDef():
                self.contract = node
                for inner in ast.children(node):
                    self.declaration(inner)
                self.contract = None
            case ast.FunctionDef() | ast.PredicateDecl():
                self.owner = f"{self.contract.name}.{node.name}" if self.contract else node.name
                self.enter(node, node.body, node.params)
                for inner in ast.children(node):
                    self.visit(inner)
            case ast.TestDef():
                self.owner = node.name
                self.enter(node, node.body, ())
                for inner in node.body:
                    self.visit(inner)
            case ast.Import() | ast.FromImport():
                pass
            case ast.InterfaceDecl():
                for function in node.functions:
                    self.declaration(function)
            case _:
                self.function, self.locals, self.scopes, self.owner = None, {}, [], ""
                for inner in ast.children(node):
                    if not (isinstance(node, ast.EnumDecl) and isinstance(inner, ast.Name)):
                        self.visit(inner)

    def visit(self, node: ast.Node) -> None:
        match node:
            case ast.Name():
                definition = self.lookup(node.id)
                if definition is not None:
                    self.add(node.span, definition, node, declares=definition.span == node.span)
                return
            case ast.VarDecl() if (own := self.locals.get(node.name)) is not None:
                self.add(node.name_span, own, node, declares=own.span == node.name_span)
                if node.value is not None:
                    self.found.given.setdefault(own, []).append(node.value.span)
            case ast.Assign(target=target, value=value) | ast.AugAssign(target=target, value=value):
                self.give(target, value)
                if isinstance(node, ast.AugAssign):
                    self.give(target, node)
            case ast.For(target=target, iterable=value):
                self.give(target, value)
            case ast.Comprehension():
                self.comprehension(node)
                return
            case ast.Attribute():
                self.visit(node.value)
                self.attribute(node)
                return
            case ast.Call():
                self.keywords(node.keywords, self.callee(node.function))
            case ast.Emit():
                self.keywords(node.keywords, self.callee(node.event))
            case _:
                pass
        for inner in ast.children(node):
            self.visit(inner.value if isinstance(inner, ast.Keyword) else inner)

    def give(self, target: ast.Node, value: ast.Node) -> None:
        for name in names_of(target):
            own = self.lookup(name.id)
            if own is not None and own.kind == "local":
                self.found.given.setdefault(own, []).append(value.span)

    def comprehension(self, node: ast.Comprehension) -> None:
        scope: dict[str, Definition] = {}
        for number, clause in enumerate(node.clauses):
            self.visit(clause.iterable)
            if number == 0:
                self.scopes.append(scope)
            for name in names_of(clause.target):
                if name.id not in scope:
                    scope[name.id] = Definition(name.id, "local", name.span, node, node.span, self.owner)
                    self.found.locals.append(scope[name.id])
            self.visit(clause.target)
            self.give(clause.target, clause.iterable)
            for condition in clause.conditions:
                self.visit(condition)
        self.visit(node.element)
        self.scopes.pop()

    # ---- after a dot

    def attribute(self, node: ast.Attribute) -> None:
        definition = self.member(node)
        if definition is not None:
            self.add(last_name(node.span, node.name), definition, node)

    def member(self, node: ast.Attribute) -> Definition | None:
        owner = node.value
        if isinstance(owner, ast.Name):
            if owner.id == "self" and self.contract is not None:
                return self.declared.contracts[self.contract].get(node.name)
            meant = self.lookup(owner.id)
            if meant is not None and meant.meant.kind == "module":
                declared = self.index.declared.get(meant.meant.span.path)
                return declared.module.get(node.name) if declared is not None else None
        for definition in self.owners(owner):
            found = self.inside(definition, node.name)
            if found is not None:
                return found
        return None

    def owners(self, owner: ast.Expr) -> Iterator[ast.Node]:
        """The enum, struct, contract or interface that `owner` is, or is a value of."""
        target = self.callee(owner)
        if isinstance(target, ast.EnumDecl):
            yield target
        for type in self.index.types.get(owner, ()):
            node: ast.Node | None = None
            if isinstance(type, StructT):
                node = self.index.declaration(type.name, ast.StructDecl)
            elif isinstance(type, ContractT):
                node = self.index.declaration(type.name, ast.InterfaceDecl if type.interface else ast.ContractDef)
            if node is not None:
                yield node

    def inside(self, node: ast.Node, name: str) -> Definition | None:
        for declared in self.index.declared.values():
            if isinstance(node, ast.ContractDef) and node in declared.contracts:
                return declared.contracts[node].get(name)
            if node in declared.members:
                return declared.members[node].get(name)
        return None

    # ---- keywords of calls

    def callee(self, function: ast.Expr) -> ast.Node | None:
        """The declaration that the expression names."""
        definition: Definition | None = None
        if isinstance(function, ast.Name):
            definition = self.lookup(function.id)
        elif isinstance(function, ast.Attribute):
            definition = self.member(function)
        return definition.meant.node if definition is not None else None

    def keywords(self, keywords: tuple[ast.Keyword, ...], callee: ast.Node | None) -> None:
        if isinstance(callee, ast.ContractDef):  # deploy C(limit=5)
            callee = next((f for f in callee.functions if f.name == "init"), None)
        for keyword in keywords:
            found = self.inside(callee, keyword.name) if callee is not None else None
            if found is not None:
                self.add(first_name(keyword.span, keyword.name), found, keyword)
