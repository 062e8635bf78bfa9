"""Hypothesis strategies for trees of every form, as the parser would make them."""

import string

from hypothesis import strategies as st

from enigmalang.source import SourceFile, Span
from enigmalang.syntax import ast
from enigmalang.syntax.words import RESERVED, UNITS

AT = Span("f", 1, 1, 1, 1)
_SOFT = ["max", "min", "input", "value", "block", "now", "to", "days", "blocks", "seconds", "event", "error", "test"]
_SOFT += ["struct", "identity", "deploy", "submit", "advance", "expect", "view", "revert", "leak", "contract", "print"]
_NOT_STARTED = {"max", "block", "blocks"}  # never read as the beginning of what `deploy` or `submit` start
_BINARY = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"]
_ENGLISH = {"true", "false", "null", "None", "undefined", "reveal"}

names = st.sampled_from(_SOFT) | st.text(string.ascii_letters + "_", min_size=1, max_size=6).filter(
    lambda name: name not in RESERVED | _ENGLISH
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
name_nodes = st.builds(ast.Name, st.just(AT), names)


def _integer(value: int, unit: str | None) -> ast.IntLit:
    return ast.IntLit(AT, value * (UNITS[unit] if unit else 1), str(value), unit)


literals = st.one_of(
    st.builds(_integer, st.integers(0, 2**256), st.none() | st.sampled_from(sorted(UNITS))),
    st.builds(ast.HexLit, st.just(AT), st.integers(0, 2**160).map(hex)),
    st.builds(ast.FixedLit, st.just(AT), st.sampled_from(["0.5", "1_0.25"]), st.none() | st.just("ether")),
    st.builds(ast.StrLit, st.just(AT), texts),
    st.builds(ast.BytesLit, st.just(AT), st.binary(max_size=6)),
    st.builds(ast.BoolLit, st.just(AT), st.booleans()),
)


def some(element: st.SearchStrategy[ast.Expr], low: int = 0) -> st.SearchStrategy[tuple[ast.Expr, ...]]:
    return st.lists(element, min_size=low, max_size=3).map(tuple)


def targets(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Target]:
    plain = (
        name_nodes
        | st.builds(ast.Attribute, st.just(AT), name_nodes, names)
        | st.builds(ast.Index, st.just(AT), name_nodes, some(inner, 1))
    )
    return plain | st.builds(ast.TupleLit, st.just(AT), some(plain, 1))


def _dict(pairs: list[tuple[ast.Expr, ast.Expr]]) -> ast.DictLit:
    return ast.DictLit(AT, tuple(k for k, _ in pairs), tuple(v for _, v in pairs))


def _compare(left: ast.Expr, rest: list[tuple[str, ast.Expr]]) -> ast.Compare:
    return ast.Compare(AT, left, tuple(op for op, _ in rest), tuple(right for _, right in rest))


def _compound(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Expr]:
    at = st.just(AT)
    keyword = st.builds(ast.Keyword, at, names, inner)
    call = st.builds(ast.Call, at, name_nodes, some(inner), st.lists(keyword, max_size=2).map(tuple))
    started = call.filter(lambda c: isinstance(c.function, ast.Name) and c.function.id not in _NOT_STARTED)
    clause = st.builds(ast.CompClause, at, targets(inner), inner, some(inner))
    comparison = st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]), inner)
    return st.one_of(
        st.builds(ast.ListLit, at, some(inner)),
        st.builds(ast.TupleLit, at, some(inner)),
        st.lists(st.tuples(inner, inner), max_size=2).map(_dict),
        st.builds(ast.Attribute, at, inner, names),
        st.builds(ast.Index, at, inner, some(inner, 1)),
        st.builds(ast.Slice, at, inner, st.none() | inner, st.none() | inner),
        call,
        st.builds(ast.Call, at, inner, some(inner)).filter(lambda c: not _is_reveal(c)),
        st.builds(ast.Reveal, at, inner, st.none() | inner),
        st.builds(ast.Unary, at, st.sampled_from(["-", "+", "not", "~"]), inner),
        st.builds(
            ast.Binary,
            at,
            st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>"]),
            inner,
            inner,
        ),
        st.builds(_compare, inner, st.lists(comparison, min_size=1, max_size=3)),
        st.builds(ast.BoolOp, at, st.sampled_from(["and", "or"]), some(inner, 2)),
        st.builds(ast.IfExpr, at, inner, inner, inner),
        st.builds(ast.Comprehension, at, inner, st.lists(clause, min_size=1, max_size=2).map(tuple)),
        st.builds(ast.Deploy, at, started),
        st.builds(ast.Submit, at, started),
        st.builds(ast.Await, at, inner),
    )


def _is_reveal(call: ast.Call) -> bool:
    return isinstance(call.function, ast.Name) and call.function.id == "reveal"


expressions: st.SearchStrategy[ast.Expr] = st.recursive(name_nodes | literals, _compound, max_leaves=12)
types = st.recursive(
    name_nodes,
    lambda inner: st.builds(ast.Index, st.just(AT), name_nodes, some(inner | literals, 1)),
    max_leaves=4,
)
maybe = st.none() | expressions


def _advance(amount: ast.Expr, blocks: bool) -> ast.Advance:
    timed = amount if blocks else ast.Binary(AT, "+", amount, _integer(2, "days"))
    return ast.Advance(AT, timed, "blocks" if blocks else "seconds")


def _emit(call: tuple[ast.Expr, tuple[ast.Expr, ...]]) -> ast.Emit:
    return ast.Emit(AT, call[0], call[1], ())


def _not_tuple(expr: ast.Expr) -> bool:
    return not isinstance(expr, ast.TupleLit)


at = st.just(AT)
conditions = expressions.filter(_not_tuple)
simple_statements: st.SearchStrategy[ast.Stmt] = st.one_of(
    st.builds(ast.VarDecl, at, names, at, st.just(True), st.none() | types, maybe),
    st.builds(ast.VarDecl, at, names, at, st.just(False), types, maybe),
    st.builds(ast.Assign, at, targets(expressions), expressions),
    st.builds(
        ast.AugAssign,
        at,
        targets(expressions).filter(_not_tuple),
        st.sampled_from(_BINARY),
        expressions,
    ),
    st.builds(ast.ExprStmt, at, expressions.filter(lambda e: not isinstance(e, ast.StrLit))),
    st.builds(ast.Break, at),
    st.builds(ast.Continue, at),
    st.builds(ast.Pass, at),
    st.builds(ast.Return, at, maybe),
    st.builds(ast.Require, at, conditions, maybe),
    st.builds(ast.Assert, at, conditions, maybe),
    st.builds(ast.Raise, at, expressions),
    st.tuples(name_nodes.filter(lambda n: n.id != "reveal"), some(expressions)).map(_emit),
    st.builds(ast.IdentityDecl, at, st.lists(name_nodes, min_size=1, max_size=3).map(tuple)),
    st.builds(_advance, name_nodes, st.booleans()),
)


def _blocks(inner: st.SearchStrategy[ast.Stmt]) -> st.SearchStrategy[ast.Stmt]:
    body = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(ast.If, at, expressions, body, st.just(()) | body),
        st.builds(ast.For, at, targets(expressions), expressions, body),
        st.builds(ast.While, at, expressions, maybe, body),
        st.builds(ast.As, at, expressions, body),
        st.builds(ast.ExpectRevert, at, maybe, body),
        st.builds(ast.ExpectLeak, at, st.none() | st.just("E0301"), body),
    )


statements: st.SearchStrategy[ast.Stmt] = st.recursive(simple_statements, _blocks, max_leaves=5)
bodies = st.lists(statements, min_size=1, max_size=3).map(tuple)


def _params(found: list[ast.Param]) -> tuple[ast.Param, ...]:
    """Those with a default value last."""
    return tuple(sorted(found, key=lambda param: param.default is not None))


def _bounded(name: str, bounds: tuple[ast.Expr, ast.Expr], default: ast.Expr | None) -> ast.Param:
    return ast.Param(AT, name, True, ast.Name(AT, "uint8"), bounds[0], bounds[1], default)


parameters = st.lists(
    st.builds(ast.Param, at, names, st.booleans(), st.none() | types, st.none(), st.none(), maybe)
    | st.builds(_bounded, names, st.tuples(expressions, expressions), maybe),
    max_size=3,
).map(_params)
docstrings = st.none() | texts
modifiers = st.lists(st.sampled_from(["internal", "view", "payable"]), unique=True, max_size=2).map(tuple)
fields = st.builds(ast.VarDecl, at, names, at, st.booleans(), types, st.none())
state = st.builds(ast.VarDecl, at, names, at, st.booleans(), types, maybe)
constants = st.builds(ast.ConstDecl, at, names, st.none() | types, expressions)
structs = st.builds(ast.StructDecl, at, names, st.lists(fields, max_size=2).map(tuple), docstrings)
enums = st.builds(ast.EnumDecl, at, names, st.lists(name_nodes, max_size=2).map(tuple), docstrings)
events = st.builds(ast.EventDecl, at, names, parameters)
errors = st.builds(ast.ErrorDecl, at, names, parameters)


def _function(
    name: str,
    params: tuple[ast.Param, ...],
    returns: tuple[ast.Expr | None, bool],
    body: tuple[ast.Stmt, ...],
    modified: tuple[str, ...],
    docstring: str | None,
) -> ast.FunctionDef:
    kind, private = returns
    return ast.FunctionDef(AT, name, AT, params, kind, private and kind is not None, body, modified, docstring)


_returns = st.tuples(st.none() | types, st.booleans())
functions = st.builds(_function, names, parameters, _returns, bodies, modifiers, docstrings)
headers = st.builds(_function, names, parameters, _returns, st.just(()), modifiers, st.none())


def _few(element: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(element, max_size=2).map(tuple)


contracts = st.builds(
    ast.ContractDef,
    at,
    names,
    at,
    _few(state),
    _few(events),
    _few(errors),
    _few(structs),
    _few(enums),
    _few(constants),
    _few(functions),
    docstrings,
)


def _from_import(module: str, pairs: list[tuple[ast.Name, str | None]]) -> ast.FromImport:
    return ast.FromImport(AT, module, tuple(name for name, _ in pairs), tuple(alias for _, alias in pairs))


declarations = st.one_of(
    st.builds(ast.Import, at, names, st.none() | names),
    st.builds(_from_import, names, st.lists(st.tuples(name_nodes, st.none() | names), min_size=1, max_size=3)),
    constants,
    structs,
    enums,
    events,
    errors,
    st.builds(ast.InterfaceDecl, at, names, _few(headers)),
    st.builds(ast.PredicateDecl, at, names, parameters, bodies),
    functions,
    contracts,
    st.builds(ast.TestDef, at, texts, bodies),
)
modules: st.SearchStrategy[ast.Module] = st.builds(
    ast.Module, at, st.just(SourceFile("f", "")), st.lists(declarations | statements, max_size=3).map(tuple), docstrings
)
