"""The variables that a body starts with: its parameters, or what earlier inputs of a session gave."""

from enigmalang.semantics.assignments import check_new_name
from enigmalang.semantics.context import Body, Variable
from enigmalang.semantics.model import Kept, Kind, Symbol
from enigmalang.semantics.relations import ExactList
from enigmalang.syntax import ast
from enigmalang.types.types import ErrorT, ListT, Type


def define_parameters(body: Body, node: ast.FunctionDef | ast.PredicateDecl) -> None:
    signature = body.program.signature(node)
    for param, type in zip(signature.params, body.instance.param_types, strict=True):
        check_new_name(body, param.name, param.node.span)
        if param.name not in body.variables:
            symbol = Symbol(Kind.PARAM, param.name, param.node, private=param.private)
            body.variables[param.name] = Variable(symbol, type, param.type is not None, param.node.span)
        body.instance.names[param.node] = body.variables[param.name].symbol
        body.instance.types[param.node] = type
        body.assigned.add(param.name)
        if param.private:
            body.instance.private_locals.add(param.name)
        default = param.node.default
        if default is not None:
            body.value_of(default, type, f"the parameter `{param.name}`")
            if body.constant(default) is None and not isinstance(body.instance.types.get(default), ErrorT):
                body.error("E0221", "a default is known before the program runs", default.span,
                           help="use a literal or a `const`")


def define_kept(body: Body) -> None:
    """The variables of a session that earlier inputs gave their values."""
    for kept in body.program.kept:
        if kept.name not in body.variables:
            symbol = Symbol(Kind.LOCAL, kept.name, None, private=kept.private)
            body.variables[kept.name] = Variable(symbol, _counted(kept), kept.declared, kept.span)
        body.assigned.add(kept.name)
        if kept.private:
            body.instance.private_locals.add(kept.name)


def _counted(kept: Kept) -> Type:
    """The variable's type; of a list whose type nobody wrote down the number of elements is known by now."""
    match kept.type:
        case ListT(element=element) if not kept.declared and kept.lens[0] and kept.lens[0][0]:
            return ExactList(element, kept.lens[0][0])
        case _:
            return kept.type
