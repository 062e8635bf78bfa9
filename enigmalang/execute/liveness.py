"""When the interpreter may forget a value: after the last operation of its region that uses it."""

from enigmalang.ir.ir import Operation, Region, Value


def last_uses(region: Region) -> list[tuple[Value, ...]]:
    """For each operation the values of this region that nothing uses after it."""
    last: dict[Value, int] = {}
    for value in region.params:
        last[value] = 0
    for number, op in enumerate(region.ops):
        for value in _used(op):
            if value in last:
                last[value] = number
        for value in op.results:
            last[value] = number
    deaths: list[list[Value]] = [[] for _ in region.ops]
    for value, number in last.items():
        if deaths:
            deaths[number].append(value)
    return [tuple(d) for d in deaths]


def _used(op: Operation) -> set[Value]:
    found = set(op.operands)
    stack = list(op.regions)
    while stack:
        for inner in stack.pop().ops:
            found.update(inner.operands)
            stack.extend(inner.regions)
    return found
