"""The checker of one body: rounds until the types of its variables are stable, then one last round that reports.

A variable's type is the join over all that is assigned to it, so a body is checked several times; only the last round,
in which the variables' types are known, fills the tables and reports mistakes.
"""

from fractions import Fraction
from typing import Any, assert_never

from enigmalang.diagnostics import Sink
from enigmalang.semantics import calls, literals, places, statements
from enigmalang.semantics.annotations import resolve
from enigmalang.semantics.comprehensions import comprehension
from enigmalang.semantics.context import Body, Variable, a
from enigmalang.semantics.folding import outside, raw
from enigmalang.semantics.model import Instance, Kind, Symbol
from enigmalang.semantics.operators import binary, bool_op, compare, if_expr, unary
from enigmalang.semantics.program import Program
from enigmalang.semantics.relations import (
    ExactList,
    Hole,
    WeakFixed,
    WeakInt,
    element_of,
    fits,
    holding,
    in_parts,
    is_weak,
    length_of,
    plain,
    settle,
)
from enigmalang.syntax import ast
from enigmalang.types.types import (
    NONE,
    AnyT,
    ArrayT,
    ErrorT,
    FixedT,
    IntT,
    ListT,
    NoneT,
    StringT,
    TupleT,
    Type,
)

#: Rounds after which the bounds of growing lists are given up, and after which no type may grow.
WIDEN, GIVE_UP = 4, 12


class BodyChecker(Body):
    def __init__(self, program: Program, instance: Instance) -> None:
        super().__init__(program, instance)
        self.settled = False

    # ---- rounds

    def run(self) -> None:
        self.locals = statements.assigned_names(self)
        self._stabilise()
        for variable in self.variables.values():
            variable.type = settle(variable.type)
        self.result = None if self.result is None else settle(self.result)
        self._stabilise()
        self.final = True
        self._round(Sink())
        self._finish()

    def _stabilise(self) -> None:
        for number in range(GIVE_UP):
            self.round = number
            before = {name: v.type for name, v in self.variables.items()}
            self.grew = False
            self._round(Sink())
            now = {name: v.type for name, v in self.variables.items()}
            if (not self.grew and (number > 0 or not before)) or before == now:
                return

    def _round(self, sink: Sink) -> None:
        self.sink = sink
        instance = self.instance
        for table in (instance.types, instance.names, instance.calls, instance.builtins, instance.members,
                      instance.variables, instance.decided, self.exact):
            table.clear()
        known = instance.constants
        ranges: dict[ast.Node, Any] = {node: known[node] for node in self._bounds() if node in known}
        instance.constants.clear()
        instance.constants.update(ranges)
        self.assigned.clear()
        self.identities.clear()
        self.effects.clear()
        self.result = None
        statements.check_body(self)

    def _bounds(self) -> list[ast.Node]:
        node = self.instance.node
        params = node.params if isinstance(node, ast.FunctionDef) else ()
        return [bound for p in params for bound in (p.low, p.high) if bound is not None]

    def _finish(self) -> None:
        instance = self.instance
        for node in list(instance.types):
            if is_weak(instance.types[node]):
                self.adapt(node, settle(instance.types[node]))  # type: ignore[arg-type]
        for node, type in instance.types.items():
            instance.types[node] = plain(type)
        instance.variables.update({name: plain(v.type) for name, v in self.variables.items()})
        signature = None if not isinstance(instance.node, ast.FunctionDef) else self.program.signature(instance.node)
        if signature is not None and signature.result is None:
            instance.result = plain(settle(self.result)) if self.result is not None else NONE
        for name, variable in self.variables.items():
            if not variable.declared and _has_hole(variable.type) and not self.sink.errors:
                self.sink.error("E0211", f"the type of the elements of `{name}` is not known", variable.span,
                                help=f"write it: `{name}: list[uint32, 100] = []`")

    # ---- expressions

    def expr(self, node: ast.Expr, expected: Type | None = None) -> Type:
        if isinstance(expected, ErrorT):
            expected = None
        self.instance.constants.pop(node, None)
        type = self._infer(node, expected)
        self.instance.types[node] = type
        return type

    def _infer(self, node: ast.Expr, expected: Type | None) -> Type:
        match node:
            case ast.IntLit() | ast.HexLit() | ast.FixedLit() | ast.StrLit() | ast.BytesLit() | ast.BoolLit():
                return literals.literal(self, node, expected)
            case ast.ListLit() | ast.TupleLit() | ast.DictLit():
                return literals.display(self, node, expected)
            case ast.Name():
                return places.name(self, node, expected)
            case ast.Attribute():
                return places.attribute(self, node, expected)
            case ast.Index():
                return places.index(self, node, expected)
            case ast.Slice():
                return places.slice_of(self, node)
            case ast.Unary():
                return unary(self, node, expected)
            case ast.Binary():
                return binary(self, node, expected)
            case ast.Compare():
                return compare(self, node)
            case ast.BoolOp():
                return bool_op(self, node)
            case ast.IfExpr():
                return if_expr(self, node, expected)
            case ast.Comprehension():
                return comprehension(self, node, expected)
            case ast.Call() | ast.Reveal() | ast.Deploy() | ast.Submit() | ast.Await():
                return calls.calling(self, node, expected)
            case _:
                assert_never(node)

    def block(self, statements_: tuple[ast.Stmt, ...]) -> bool:
        return statements.block(self, statements_)

    def type_at(self, node: ast.Expr) -> Type:
        return resolve(self, node)

    # ---- literals in their context

    def adapt(self, node: ast.Expr, want: Type) -> None:
        types = self.instance.types
        have = types.get(node)
        if have is None or not is_weak(have) or isinstance(want, ErrorT):
            return
        if isinstance(_scalar(want), FixedT) and not self._adaptable(node):
            return
        types[node] = type = adapted(have, want)
        self._adapt_constant(node, type)
        for child, wanted in _parts(node, want):
            self.adapt(child, wanted)

    def _adaptable(self, node: ast.Expr) -> bool:
        """Whether the literals in `node` can become decimals (a variable cannot)."""
        return node in self.instance.constants or isinstance(
            node, ast.ListLit | ast.TupleLit | ast.IfExpr | ast.Unary | ast.Binary | ast.Comprehension | ast.Call
            | ast.Reveal)

    def _adapt_constant(self, node: ast.Expr, type: Type) -> None:
        constants = self.instance.constants
        if node not in constants:
            return
        exact = self.exact.get(node, constants[node])
        constants[node] = raw(exact, type)
        if isinstance(type, FixedT):
            self.exact[node] = Fraction(exact) if isinstance(exact, int | Fraction) else exact
            if not isinstance(type, WeakFixed) and outside(constants[node], type):
                self.error("E0209", f"this number does not fit {type}", node.span,
                           help=f"{type} holds less than 2^{type.integer - 1}")

    def coerce(self, node: ast.Expr, got: Type, want: Type, what: str) -> None:
        if isinstance(got, ErrorT) or isinstance(want, ErrorT):
            return
        self.adapt(node, want)
        got = self.instance.types.get(node, got)
        if self._constant_outside(node, want):
            return
        if isinstance(got, AnyT) and in_parts(want):
            self.error("E0211", f"{what} is {a(plain(want))}, and the type of this is not known", node.span,
                       help=f"write the type where it is read: `x: {plain(want)} = L[…]`")
        elif isinstance(settle(got), NoneT):
            self.error("E0201", f"{what} needs {a(want)}, and this gives no value", node.span)
        elif not fits(settle(got) if self.final else got, want):
            self.error("E0201", f"{what} is {a(want)}, and this is {_shown(got)}", node.span,
                       help=_conversion(got, want))

    def _constant_outside(self, node: ast.Expr, want: Type) -> bool:
        """Report a constant that its place cannot hold, also inside a list."""
        if isinstance(node, ast.ListLit) and (element := element_of(want)) is not None:
            wrong = [item for item in node.items if self._constant_outside(item, element)]
            return bool(wrong)
        value = self.constant(node)
        have = self.instance.types.get(node)
        if isinstance(want, IntT) and isinstance(have, IntT) and isinstance(value, int) and outside(value, want):
            self.error("E0209", f"{value} does not fit {want}", node.span,
                       help=f"{want} holds {want.low} to {want.high}")
            return True
        if isinstance(want, StringT) and want.max is not None and isinstance(value, str) \
                and len(value.encode()) > want.max:
            self.error("E0209", f"this text has {len(value.encode())} bytes, and {want} holds {want.max}", node.span,
                       help="shorten it, or make the type longer")
            return True
        return False

    # ---- variables

    def declare(self, name: str, type: Type, node: ast.Node, kind: Kind = Kind.LOCAL, declared: bool = True) -> Symbol:
        """A variable with a stated type, or one more assignment to it."""
        variable = self.variables.get(name)
        if variable is None:
            symbol = Symbol(kind, name, node)
            self.variables[name] = Variable(symbol, type, declared, node.span)
            return symbol
        return variable.symbol


def adapted(have: Type, want: Type) -> Type:
    """`have` with its literals taking the types that `want` has in their places, as far as they fit."""
    match have, want:
        case WeakInt(), FixedT():
            return want
        case WeakInt(), IntT():
            return want if want.low <= have.least and have.greatest <= want.high else \
                holding(want, have.least, have.greatest)
        case WeakFixed(), FixedT():
            return want
        case ListT() | ArrayT(), ListT() | ArrayT():
            return _adapted_list(have, want)
        case (ListT() | ArrayT(), IntT() | FixedT()):
            return _with_element(have, adapted(have.element, want))
        case TupleT(items=a), TupleT(items=b) if len(a) == len(b):
            return TupleT(tuple(adapted(x, y) for x, y in zip(a, b, strict=True)))
        case _:
            return have


def _adapted_list(have: ListT | ArrayT, want: ListT | ArrayT) -> Type:
    if isinstance(want, ArrayT) and length_of(have) == want.dims[0]:
        inner = element_of(have)
        if inner is not None and isinstance(settle(inner), type(settle(want.element))):
            return want
    wanted = element_of(want)
    inner = have.element if isinstance(have, ListT) or len(have.dims) == 1 else None
    if inner is None or wanted is None:
        return _with_element(have, adapted(have.element, _scalar(want)))
    return _with_element(have, adapted(inner, wanted))


def _with_element(have: ListT | ArrayT, element: Type) -> Type:
    match have:
        case ExactList():
            return ExactList(element, have.max)
        case ListT():
            return ListT(element, have.max)
        case ArrayT():
            return ArrayT(element, have.dims)


def _scalar(type: Type) -> Type:
    while (inner := element_of(type)) is not None:
        type = inner
    return type


def _parts(node: ast.Expr, want: Type) -> list[tuple[ast.Expr, Type]]:
    """The parts of `node` that its literals stand in, with what they should be."""
    match node:
        case ast.ListLit(items=items):
            element = element_of(want)
            return [(item, want if element is None else element) for item in items]
        case ast.TupleLit(items=items) if isinstance(want, TupleT) and len(want.items) == len(items):
            return list(zip(items, want.items, strict=True))
        case ast.Comprehension(element=inner):
            return [(inner, element_of(want) or want)]
        case ast.IfExpr(then=a, otherwise=b):
            return [(a, want), (b, want)]
        case ast.Unary(operand=operand):
            return [(operand, want)]
        case ast.Binary(op=op, left=a, right=b):
            return [(a, want)] if op in ("**", "<<", ">>") else [(a, want), (b, want)]
        case ast.Reveal(value=value):
            return [(value, want)]
        case ast.Call(args=args):
            return [(arg, want) for arg in args]
        case _:
            return []


def _has_hole(type: Type) -> bool:
    match type:
        case Hole():
            return True
        case ListT(element=element) | ArrayT(element=element):
            return _has_hole(element)
        case _:
            return False


def _shown(type: Type) -> str:
    match type:
        case WeakInt():
            return "an integer"
        case WeakFixed():
            return "a decimal number"
        case _:
            return str(plain(type))


def _conversion(got: Type, want: Type) -> str | None:
    """How one usually gets from `got` to `want`."""
    match got, want:
        case (IntT(), FixedT()) | (FixedT(), IntT()):
            return f"convert it: `{want}(x)`"
        case _ if isinstance(got, ListT) and isinstance(want, ArrayT):
            size = length_of(got)
            if size is not None and size != want.dims[0]:
                return f"it has {size} elements, and {want.dims[0]} are wanted"
            return "an array has a fixed length: take exactly that many elements"
        case _ if isinstance(want, ListT) and (size := length_of(got)) is not None and want.max and size > want.max:
            return f"it has {size} elements, and at most {want.max} fit"
        case _:
            return None


