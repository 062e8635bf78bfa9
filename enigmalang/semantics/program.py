"""A whole program being checked: its modules and contracts, its declarations (resolved when first needed), and its
instances, one for each function and tuple of argument types.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from enigmalang.diagnostics import Note, Sink
from enigmalang.semantics.context import Body, a
from enigmalang.semantics.model import ContractInfo, Instance, Kept, Kind, ModuleInfo, Symbol
from enigmalang.semantics.relations import plain, settle, without_holes
from enigmalang.source import Span
from enigmalang.syntax import ast
from enigmalang.types.ranges import Range
from enigmalang.types.types import ERROR, NONE, EnumT, ErrorT, Field, FixedT, IntT, StructT, Type

#: Calls of functions without declared types may be nested this deep.
MAX_NESTING = 500


@dataclass(frozen=True, slots=True)
class ParamType:
    """One parameter; `type` None: it depends on the call."""

    name: str
    type: Type | None
    private: bool
    node: ast.Param


@dataclass(frozen=True, slots=True)
class Signature:
    params: tuple[ParamType, ...]
    result: Type | None  # None: not declared, it follows from the body
    result_private: bool = False

    @property
    def complete(self) -> bool:
        return self.result is not None and all(p.type is not None for p in self.params)


#: Kinds of functions whose parameters' ranges are checked when they are called.
CHECKED_AT_THE_CALL = ("external", "view", "init")


class Program:
    """`make_body` makes the checker of a body (given from outside: it needs the program in turn)."""

    def __init__(
        self, sink: Sink, make_body: Callable[["Program", Instance], Body], builtins: dict[str, Symbol],
        kept: tuple[Kept, ...] = (),
    ) -> None:
        self.sink = sink
        self.kept = kept  # variables of a session, for its script
        self.make_body = make_body
        self.builtins = builtins
        self.modules: dict[str, ModuleInfo] = {}
        self.contracts: dict[str, ContractInfo] = {}
        self.structs: dict[str, StructT] = {}
        self.enums: dict[str, EnumT] = {}
        self.instances: dict[tuple[ast.Node, tuple[Type, ...]], Instance] = {}
        self.bodies: dict[Instance, Body] = {}
        self.checked = 0  # bodies that were checked, and not remembered
        self.open: list[Instance] = []  # bodies being checked, outermost first
        self.pending: list[Instance] = []
        self.exact_constants: dict[Symbol, tuple[Type, Any]] = {}  # before literals settle
        self.entry_types: dict[str, Type] = {}  # of MPC entries, by constant key
        self.missing_entries = False  # an MPC entry was read before anything wrote it
        self._signatures: dict[ast.Node, Signature] = {}
        self._homes: dict[ast.Node, tuple[ModuleInfo, ContractInfo | None]] = {}
        self._names: dict[str, int] = {}
        self._resolving: set[Symbol] = set()

    # ---- names

    def builtin(self, name: str) -> Symbol | None:
        return self.builtins.get(name)

    def home(self, node: ast.Node, module: ModuleInfo, contract: ContractInfo | None) -> None:
        """Remember where the declaration `node` stands."""
        self._homes[node] = (module, contract)

    def home_of(self, node: ast.Node) -> tuple[ModuleInfo, ContractInfo | None]:
        return self._homes[node]

    def outside(self, module: ModuleInfo, contract: ContractInfo | None, sink: Sink | None = None) -> Body:
        """A body to evaluate declarations in, that belongs to no function."""
        instance = Instance("declaration", "declaration", module.tree, module, contract, (), NONE)
        body = self.make_body(self, instance)
        body.sink = sink or self.sink
        body.final = True
        return body

    # ---- declarations

    def type_of(self, symbol: Symbol) -> Type:
        """The type of a struct, enum, state variable or constant."""
        if symbol.type is None:
            if symbol in self._resolving:
                self._circle(symbol)
                return ERROR
            self._resolving.add(symbol)
            symbol.type = self._resolve(symbol)
            self._resolving.discard(symbol)
        return symbol.type

    def _circle(self, symbol: Symbol) -> None:
        span = symbol.node.span if symbol.node else None
        if span is None:
            return
        if symbol.kind is Kind.STRUCT:
            self.sink.error("E0217", f"the struct `{symbol.name}` contains itself", span,
                            help="keep the others in a list, and an index into it in the struct")
        else:
            self.sink.error("E0221", f"the constant `{symbol.name}` needs its own value", span,
                            help="give it a value that does not lead back to it")

    def _resolve(self, symbol: Symbol) -> Type:
        match symbol.node:
            case ast.StructDecl():
                return self._struct(symbol.node)
            case ast.EnumDecl():
                found = EnumT(symbol.name, tuple(m.id for m in symbol.node.members))
                self.enums[symbol.name] = found
                return found
            case ast.ConstDecl():
                return self._constant(symbol, symbol.node)
            case ast.VarDecl():
                module, contract = self.home_of(symbol.node)
                assert symbol.node.annotation is not None
                return self.outside(module, contract).type_at(symbol.node.annotation)
            case _:
                return ERROR

    def _struct(self, node: ast.StructDecl) -> Type:
        module, contract = self.home_of(node)
        outside = self.outside(module, contract)
        fields = []
        for field in node.fields:
            type = outside.type_at(field.annotation) if field.annotation else ERROR
            fields.append(Field(field.name, type, field.private))
        found = StructT(node.name, tuple(fields))
        self.structs[node.name] = found
        return found

    def _constant(self, symbol: Symbol, node: ast.ConstDecl) -> Type:
        module, contract = self.home_of(node)
        body = self.outside(module, contract)
        want = body.type_at(node.annotation) if node.annotation else None
        errors = len(self.sink.errors)
        got = body.value_of(node.value, want, f"the constant `{node.name}`") if want else body.expr(node.value)
        value = body.constant(node.value)
        if value is None:
            if len(self.sink.errors) == errors and got != ERROR:
                self.sink.error("E0221", f"the value of `{node.name}` is not known before the program runs",
                                node.value.span, help="use literals, other constants and arithmetic on them")
            return ERROR
        type = want or got
        self.exact_constants[symbol] = (type, body.exact.get(node.value, value))
        body.adapt(node.value, settle(type))
        symbol.value = body.constant(node.value)
        return plain(settle(type))

    def constant_of(self, symbol: Symbol) -> tuple[Type, Any]:
        """Type and value of a constant, literals still weak; decimals as fractions."""
        self.type_of(symbol)
        return self.exact_constants.get(symbol, (ERROR, None))

    # ---- signatures

    def signature(self, node: ast.FunctionDef | ast.PredicateDecl) -> Signature:
        if node not in self._signatures:
            module, contract = self.home_of(node)
            body = self.outside(module, contract)
            params = tuple(
                ParamType(p.name, body.type_at(p.annotation) if p.annotation else None, p.private, p)
                for p in node.params)
            self._signatures[node] = Signature(params, *self._result(node, body, contract))
        return self._signatures[node]

    def _result(
        self, node: ast.FunctionDef | ast.PredicateDecl, body: Body, contract: ContractInfo | None,
    ) -> tuple[Type | None, bool]:
        if isinstance(node, ast.PredicateDecl):
            return self.outside(*self.home_of(node)).type_at(ast.Name(node.span, "bool")), False
        if node.returns is not None:
            return body.type_at(node.returns), node.returns_private
        declared = contract is not None or not node.body
        return (NONE if declared else None), False

    # ---- instances

    def instance(self, node: ast.FunctionDef | ast.PredicateDecl, given: tuple[Type, ...]) -> Instance:
        """The instance of `node` for arguments of the types `given` (declared parameters have their own)."""
        signature = self.signature(node)
        types = tuple(
            p.type if p.type is not None else plain(settle(t)) for p, t in zip(signature.params, given, strict=True))
        key = (node, types)
        if key not in self.instances:
            self.instances[key] = self._new_instance(node, signature, types)
            self.pending.append(self.instances[key])
        return self.instances[key]

    def _new_instance(
        self, node: ast.FunctionDef | ast.PredicateDecl, signature: Signature, types: tuple[Type, ...],
    ) -> Instance:
        module, contract = self.home_of(node)
        main = next(iter(self.modules.values()))
        prefix = f"{contract.name}." if contract else "" if module is main else f"{module.name}."
        open_params = [str(t) for p, t in zip(signature.params, types, strict=True) if p.type is None]
        suffix = f"({', '.join(open_params)})" if open_params else ""
        made = Instance(
            self._unique(f"{prefix}{node.name}{suffix}"), kind_of(node, contract), node, module, contract, types,
            signature.result if signature.result is not None else ERROR, signature.result_private)
        if isinstance(node, ast.FunctionDef):
            made.param_ranges = self._ranges(signature, made)
        return made

    def _unique(self, name: str) -> str:
        """`name`, numbered when structs of one name from different modules make two instances look alike."""
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"

    def adopt(self, instance: Instance) -> None:
        """Go on with an instance that was checked before, in another program with the same declarations."""
        instance.module, instance.contract = self.home_of(instance.node)
        self._names[instance.name] = 1
        if isinstance(instance.node, ast.FunctionDef):
            self._ranges(self.signature(instance.node), instance)  # for what it reports

    def _ranges(self, signature: Signature, instance: Instance) -> dict[str, Range]:
        """The bounds of `in low..high`, which stand in the instance's constants too."""
        found: dict[str, Range] = {}
        for param in signature.params:
            low, high = param.node.low, param.node.high
            if low is None or high is None or param.type is None:
                continue
            if not isinstance(param.type, IntT | FixedT | EnumT | ErrorT):
                self.sink.error("E0405", f"`{param.name}` is {a(param.type)}, and only a single number takes a range",
                                low.span.to(high.span), help="leave `in …` out, and check the numbers inside")
                continue
            if instance.kind not in CHECKED_AT_THE_CALL:
                self.sink.error(
                    "E0405", f"nothing checks the range of `{param.name}`: only a contract's functions that are called "
                    "from outside have ranges", low.span.to(high.span),
                    help="check inside (`require x <= 5` on public values, `clamp(x, low, high)` on private ones)")
            body = self.outside(instance.module, instance.contract)
            for bound in (low, high):
                body.value_of(bound, param.type, f"a bound of `{param.name}`")
                if body.constant(bound) is None and not isinstance(body.instance.types[bound], ErrorT):
                    self.sink.error("E0221", "the bounds of a parameter must be constants", bound.span,
                                    help="write a number or a `const`")
                elif body.constant(bound) is not None:
                    instance.constants[bound] = body.constant(bound)
            least, greatest = instance.constants.get(low), instance.constants.get(high)
            if isinstance(least, int) and isinstance(greatest, int):
                if least > greatest:
                    self.sink.error("E0405", f"the range of `{param.name}` is empty: {least}..{greatest}",
                                    low.span.to(high.span), help="write the smaller bound first")
                found[param.name] = Range(min(least, greatest), max(least, greatest))
        return found

    def result_of(self, instance: Instance, span: Span, body: Body) -> Type:
        """The result type of a call, checking the callee's body first where it is not declared."""
        assert isinstance(instance.node, ast.FunctionDef | ast.PredicateDecl)
        if self.signature(instance.node).result is not None:
            return instance.result
        if instance in self.bodies and instance not in self.open:
            return self._given(instance)
        again = [i for i in self.open if i.node is instance.node]
        if not again and len(self.open) > MAX_NESTING:
            return body.error(
                "E0215", f"calls are nested more than {MAX_NESTING} deep while checking types", span,
                help="declare the types of the parameters and of the result of a function on the way: "
                     "`def f(n: uint32) -> uint32:`")
        if again:
            name = instance.node.name
            return body.error(
                "E0215", f"`{name}` calls itself, so its types must be written down", span,
                notes=(Note(instance.node.span, f"`{name}` is defined here"),),
                help="declare the types of its parameters and of its result: `def f(n: uint32) -> uint32:`")
        self.check_body(instance)
        return self._given(instance)

    def _given(self, instance: Instance) -> Type:
        """`instance.result`, and how many elements its lists have where the body says it."""
        result = self.bodies[instance].result
        return instance.result if result is None else without_holes(settle(result))

    def check_body(self, instance: Instance) -> None:
        if instance in self.bodies:
            return
        self.bodies[instance] = body = self.make_body(self, instance)
        self.open.append(instance)
        self.checked += 1
        body.run()
        self.open.pop()

    def forget_bodies(self) -> None:
        """Check all bodies again: something that they depend on is known now."""
        self.instances.clear()
        self._names.clear()
        self.bodies.clear()
        self.pending.clear()
        self.missing_entries = False

    def check_pending(self) -> None:
        while self.pending:
            self.check_body(self.pending.pop())


def kind_of(node: ast.FunctionDef | ast.PredicateDecl, contract: ContractInfo | None) -> str:
    """`ir.Function.kind` of a function."""
    if isinstance(node, ast.PredicateDecl):
        return "predicate"
    if contract is None:
        return "def"
    if node.name == "init":
        return "init"
    return next((m for m in ("internal", "view") if m in node.modifiers), "external")
