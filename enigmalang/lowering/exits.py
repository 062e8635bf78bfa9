"""What can be said of statements without lowering them: where they leave early, and what they assign."""

from collections.abc import Iterable, Sequence

from enigmalang.source import Span
from enigmalang.syntax import ast

#: So many guards (`if c: return`) nest the rest of a function; more use a `scope` and `leave`.
MOST_GUARDS = 32


def bodies(statement: ast.Stmt) -> tuple[Sequence[ast.Stmt], ...]:
    """The blocks inside a statement."""
    match statement:
        case ast.If():
            return (statement.then, statement.otherwise)
        case ast.For() | ast.While() | ast.As() | ast.ExpectRevert() | ast.ExpectLeak():
            return (statement.body,)
        case _:
            return ()


def early_exit(statements: Iterable[ast.Stmt], in_loop: bool = False) -> Span | None:
    """The first `return`, or `break`/`continue` that leaves these statements; None if there is none."""
    for statement in statements:
        match statement:
            case ast.Return():
                return statement.span
            case ast.Break() | ast.Continue() if not in_loop:
                return statement.span
            case _:
                inner = in_loop or isinstance(statement, ast.For | ast.While)
                for body in bodies(statement):
                    if found := early_exit(body, inner):
                        return found
    return None


def returns_somewhere(statement: ast.Stmt) -> bool:
    if isinstance(statement, ast.Return):
        return True
    return any(returns_somewhere(s) for body in bodies(statement) for s in body)


def always_returns(statements: Sequence[ast.Stmt]) -> bool:
    """Whether every way through ends in `return` or `raise`."""
    for statement in reversed(statements):
        match statement:
            case ast.Return() | ast.Raise():
                return True
            case ast.If():
                if always_returns(statement.then) and always_returns(statement.otherwise):
                    return True
            case ast.As():
                if always_returns(statement.body):
                    return True
            case _:
                pass
    return False


def guard(statement: ast.Stmt) -> str | None:
    """"then" or "otherwise": the branch of an `if` that always returns, while the other does not."""
    if not isinstance(statement, ast.If) or not returns_somewhere(statement):
        return None
    then, otherwise = always_returns(statement.then), always_returns(statement.otherwise)
    if then != otherwise:
        return "then" if then else "otherwise"
    return None


def structured(statements: Sequence[ast.Stmt], depth: int = 0) -> bool:
    """Whether each `return` is reached by giving the rest of a block to the other branch of an `if` (no `leave`).

    The function must end in a `return` on every way (a function without result gets one at its end).
    """
    if depth > MOST_GUARDS:
        return False
    for number, statement in enumerate(statements):
        if not returns_somewhere(statement):
            continue
        match statement:
            case ast.Return():
                return True
            case ast.If():
                return _structured_if(statement, tuple(statements[number + 1:]), depth)
            case ast.As():
                return always_returns(statement.body) and structured(statement.body, depth)
            case _:
                return False
    return True


def _structured_if(statement: ast.If, after: tuple[ast.Stmt, ...], depth: int) -> bool:
    then, otherwise = statement.then, statement.otherwise
    match guard(statement):
        case "then":
            otherwise, depth = (*otherwise, *after), depth + bool(after)
        case "otherwise":
            then, depth = (*then, *after), depth + bool(after)
        case _:
            pass
    both = always_returns(then) and always_returns(otherwise)
    return both and structured(then, depth) and structured(otherwise, depth)


def assigned(statements: Iterable[ast.Stmt]) -> set[str]:
    """Names of the variables that these statements may give another value, also by methods such as `append`."""
    found: set[str] = set()
    for statement in statements:
        _assigned_by(statement, found)
        for body in bodies(statement):
            found |= assigned(body)
    return found


def _assigned_by(statement: ast.Stmt, found: set[str]) -> None:
    match statement:
        case ast.VarDecl():
            found.add(statement.name)
        case ast.Assign() | ast.AugAssign() | ast.For():
            _targets(statement.target, found)
        case ast.IdentityDecl():
            found.update(name.id for name in statement.names)
        case _:
            pass
    for node in _own_expressions(statement):
        if isinstance(node, ast.Call) and isinstance(node.function, ast.Attribute) and node.function.name in (
                "append", "pop"):
            _targets(node.function.value, found)


def _own_expressions(statement: ast.Stmt) -> Iterable[ast.Node]:
    blocks = {id(s) for body in bodies(statement) for s in body}
    stack = [child for child in ast.children(statement) if id(child) not in blocks]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(ast.children(node))


def _targets(target: ast.Expr, found: set[str]) -> None:
    match target:
        case ast.Name():
            found.add(target.id)
        case ast.TupleLit():
            for item in target.items:
                _targets(item, found)
        case ast.Attribute() | ast.Index():
            _targets(target.value, found)
        case _:
            pass
