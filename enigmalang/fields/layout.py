"""How a kernel walks over operands that are broadcast: as rows of a matrix, where two axes do, without copies."""

from functools import lru_cache

from enigmalang.fields.arithmetic import Layout

Shape = tuple[int, ...]


@lru_cache(maxsize=1024)
def layout(x: Shape, y: Shape, out: Shape) -> Layout | None:
    """Contiguous operands of shapes x and y, broadcast to `out`; None when they have to be copied."""
    axes: list[tuple[int, int, int]] = []  # length and both steps, of axes that cannot be walked as one
    for length, dx, dy in zip(out, _steps(x, out), _steps(y, out), strict=True):
        if length == 1:
            continue
        if axes and axes[-1][1:] == (length * dx, length * dy):
            axes[-1] = axes[-1][0] * length, dx, dy
        else:
            axes.append((length, dx, dy))
    if len(axes) > 2:
        return None
    (rows, ox, oy), (columns, dx, dy) = [*[(1, 0, 0)] * (2 - len(axes)), *axes]
    if dx > 1 or dy > 1:
        return None
    return rows, columns, ox, dx, oy, dy


def _steps(shape: Shape, out: Shape) -> list[int]:
    """For each axis of `out`, how many elements apart the array's elements are."""
    steps, step = [], 1
    for length in reversed(shape):
        steps.append(step if length > 1 else 0)
        step *= length
    return [0] * (len(out) - len(shape)) + steps[::-1]
