"""An input of an interactive session: a script that begins with the session's variables, and gives those it changed.

Its parameters are one a leaf of each variable, with the label, range and lengths that the leaf has by now. Its result
is a struct: a field for each variable that the input gave a value, and `_` for the value of an expression.
"""

from enigmalang.ir import ir
from enigmalang.ir.leaves import leaves_of
from enigmalang.lowering.control import close
from enigmalang.lowering.convert import is_unknown, zero
from enigmalang.lowering.frame import Bundle, Frame
from enigmalang.semantics.model import Kept
from enigmalang.syntax import ast
from enigmalang.types.types import Field, Label, NoneT, StructT

#: The name of the value of an expression, as in Python.
RESULT = "_"


def lower_input(f: Frame, kept: tuple[Kept, ...], statements: tuple[ast.Stmt, ...]) -> ir.Function:
    """The statements of the input that `f` is for; the last one may be an expression with a value."""
    params = tuple(param for variable in kept for param in _variable(f, variable))
    before = dict(f.env)
    last = statements[-1]
    shown = last if isinstance(last, ast.ExprStmt) else None
    exit = f.block(statements[:-1] if shown is not None else statements)
    if shown is not None and exit is None:
        bundle = f.expr(shown.value)
        if not isinstance(bundle.type, NoneT) and not is_unknown(bundle.type):
            f.env[RESULT] = bundle
    if exit is not None and exit.kind != "raise":
        close(f, f.build.region, exit)
    changed = {name: bundle for name, bundle in f.env.items()
               if bundle is not before.get(name) and not is_unknown(bundle.type)}
    result = StructT("input", tuple(Field(name, bundle.type) for name, bundle in changed.items()))
    given = [leaf for bundle in changed.values() for leaf in bundle.leaves]
    f.finish(given if exit is None else zero(f, result, last.span).leaves, last.span)
    return ir.Function(f.instance.name, "script", params, f.build.region, result, False, f.instance.node.span)


def _variable(f: Frame, kept: Kept) -> list[ir.Param]:
    """The parameters that hold a variable; `f` knows it from now on."""
    values, params = [], []
    for number, leaf in enumerate(leaves_of(kept.type)):
        secret = kept.labels[number]
        hint = ".".join((kept.name, *leaf.path))
        value = ir.Value(leaf.type, kept.span, Label.PRIVATE if secret else Label.PUBLIC,
                         lens=kept.lens[number], hint=hint)
        values.append(value)
        params.append(ir.Param(hint, leaf.declared, secret, (value,), kept.ranges[number], kept.span))
    f.env[kept.name] = Bundle(kept.type, tuple(values))
    if kept.declared:
        f.declared.add(kept.name)
    return params
