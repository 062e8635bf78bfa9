"""Loading modules and declaring their top-level names, and the names of contracts."""

from enigmalang.diagnostics import Note
from enigmalang.semantics.context import declared_at, kind_name, near
from enigmalang.semantics.imported_circuits import with_circuits
from enigmalang.semantics.loader import Loader
from enigmalang.semantics.model import ContractInfo, Kind, ModuleInfo, Symbol
from enigmalang.semantics.program import Program
from enigmalang.source import Span
from enigmalang.syntax import ast

#: Names that nothing may be called, in any place: functions and types of the language.
FIRM = frozenset((
    "len", "sum", "min", "max", "abs", "any", "all", "sorted", "reversed", "range", "zip", "enumerate", "map", "filter",
    "reveal", "wrap", "clamp", "print", "input", "send", "array", "shared_identity", "L", "DHT", "MPC", "sender",
    "self", "bool", "fixed", "address", "string", "bytes", "list"))


def is_firm(name: str) -> bool:
    """Whether `name` belongs to the language so firmly that it cannot be declared again."""
    return name in FIRM or any(
        name.startswith(p) and name[len(p):].isdigit() for p in ("uint", "int", "bytes"))


class Modules:
    """Loads a file and all that it imports into `program.modules`, each once."""

    def __init__(self, program: Program, loader: Loader) -> None:
        self.program = program
        self.sink = program.sink
        self.loader = loader
        self.loading: list[str] = []

    def declare(self, name: str, tree: ast.Module, stdlib: bool = False) -> ModuleInfo:
        module = ModuleInfo(name, tree, stdlib=stdlib)
        self.program.modules[name] = module
        self.loading.append(name)
        for node in tree.body:
            self._top_level(module, node)
        self.loading.pop()
        return module

    def _top_level(self, module: ModuleInfo, node: ast.Declaration | ast.Stmt) -> None:
        match node:
            case ast.Import():
                self._import(module, node)
            case ast.FromImport():
                self._from_import(module, node)
            case ast.ContractDef():
                self._contract(module, node)
            case ast.TestDef():
                pass
            case _:
                if (symbol := self._symbol(module, None, node)) is not None:
                    self._add(module.symbols, symbol, node.span)

    # ---- imports

    def _import(self, module: ModuleInfo, node: ast.Import) -> None:
        found = self._load(node.module, node.span)
        if found is None:
            module.symbols.setdefault(node.alias or node.module, unknown(node.alias or node.module, node))
        else:
            symbol = Symbol(Kind.MODULE, node.alias or node.module, node, module=found)
            self._add(module.symbols, symbol, node.span)

    def _from_import(self, module: ModuleInfo, node: ast.FromImport) -> None:
        found = self._load(node.module, node.span)
        if found is None:
            for name, alias in zip(node.names, node.aliases, strict=True):
                module.symbols.setdefault(alias or name.id, unknown(alias or name.id, name))
            return
        for name, alias in zip(node.names, node.aliases, strict=True):
            symbol = found.symbols.get(name.id)
            if symbol is None or name.id.startswith("__"):
                public = [n for n in found.symbols if not n.startswith("_")]
                self.sink.error("E0105", f"the module `{node.module}` has no `{name.id}`", name.span,
                                help=near(name.id, public) or "it has: " + ", ".join(sorted(public)[:12]))
                symbol = unknown(alias or name.id, name)
            self._add(module.symbols, symbol, name.span, alias)

    def _load(self, name: str, span: Span) -> ModuleInfo | None:
        if name in self.loading:
            circle = " → ".join([*self.loading[self.loading.index(name):], name])
            self.sink.error("E0104", f"modules import each other in a circle: {circle}", span,
                            help="move what both need into a third module")
            return None
        if name in self.program.modules:
            return self.program.modules[name]
        if not self.loader.exists(name):
            self.sink.error("E0103", f"there is no module `{name}`", span, help=near(name, self.loader.names())
                            or f"put `{name}.enig` beside this file")
            return None
        before = len(self.sink.errors)
        loaded = self.loader.load(name, self.sink)
        if loaded is None:
            if len(self.sink.errors) == before:
                self.sink.error("E0103", f"the module `{name}` cannot be read", span, help="correct that file first")
            return None
        module, stdlib = loaded
        return self.declare(name, with_circuits(module, self.sink), stdlib)

    # ---- declarations

    def _symbol(self, module: ModuleInfo, contract: ContractInfo | None, node: ast.Node) -> Symbol | None:
        """The symbol of a declaration; None for statements."""
        self.program.home(node, module, contract)
        match node:
            case ast.ConstDecl():
                return Symbol(Kind.CONST, node.name, node, module=module)
            case ast.StructDecl():
                self._distinct([(f.name, f.span) for f in node.fields], f"the struct `{node.name}`", "field")
                return Symbol(Kind.STRUCT, node.name, node, module=module)
            case ast.EnumDecl():
                self._distinct([(m.id, m.span) for m in node.members], f"the enum `{node.name}`", "member")
                return Symbol(Kind.ENUM, node.name, node, module=module)
            case ast.InterfaceDecl():
                for function in node.functions:
                    self.program.home(function, module, contract)
                return Symbol(Kind.INTERFACE, node.name, node, module=module)
            case ast.PredicateDecl():
                return Symbol(Kind.PREDICATE, node.name, node, value=node, module=module)
            case ast.EventDecl():
                return Symbol(Kind.EVENT, node.name, node, module=module)
            case ast.ErrorDecl():
                return Symbol(Kind.ERROR, node.name, node, module=module)
            case ast.FunctionDef():
                kind = Kind.FUNCTION if contract is None else Kind.METHOD
                self._distinct([(p.name, p.span) for p in node.params], f"`{node.name}`", "parameter")
                return Symbol(kind, node.name, node, value=node, module=module)
            case _:
                return None

    def _distinct(self, names: list[tuple[str, Span]], owner: str, what: str) -> None:
        seen: dict[str, Span] = {}
        for name, span in names:
            if name in seen:
                self.sink.error("E0102", f"{owner} has two {what}s named `{name}`", span,
                                notes=(Note(seen[name], "the first one"),), help="rename one of them")
            seen.setdefault(name, span)

    def _contract(self, module: ModuleInfo, node: ast.ContractDef) -> None:
        contract = ContractInfo(node.name, node)
        symbol = Symbol(Kind.CONTRACT, node.name, node, value=node, module=module)
        self.program.home(node, module, contract)
        if node.name in self.program.contracts:
            other = self.program.contracts[node.name].node
            self.sink.error("E0102", f"there are two contracts named `{node.name}`", node.name_span,
                            notes=(Note(other.name_span, "the other one"),), help="rename one of them")
        else:
            self._add(module.symbols, symbol, node.name_span)
        self.program.contracts.setdefault(node.name, contract)
        for member in (*node.structs, *node.enums, *node.constants, *node.events, *node.errors, *node.functions):
            if (made := self._symbol(module, contract, member)) is not None:
                self._add(contract.symbols, made, getattr(member, "name_span", member.span))
        for state in node.state:
            self.program.home(state, module, contract)
            self._add(contract.symbols, Symbol(
                Kind.STATE, state.name, state, private=state.private, module=module), state.name_span)

    def _add(self, names: dict[str, Symbol], symbol: Symbol, span: Span, alias: str | None = None) -> None:
        name = alias or symbol.name
        if is_firm(name):
            self.sink.error("E0109", f"`{name}` is a word of the language, nothing else can have this name", span,
                            help=f"another name, such as `my_{name}`")
            return
        if name in names and names[name] is not symbol:
            self.sink.error("E0102", f"`{name}` is defined twice: it is {kind_name(names[name].kind)} already", span,
                            notes=declared_at(names[name]), help="rename one of them")
            return
        names[name] = symbol


def unknown(name: str, node: ast.Node) -> Symbol:
    """Stands for a name that was reported where it was imported."""
    return Symbol(Kind.BUILTIN, name, node, value="unknown")
