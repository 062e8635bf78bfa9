"""Internal functions that generated contracts use, each with the interpreter's meaning."""

from enigmalang.chain.vyper.types import VType
from enigmalang.chain.vyper.unit import Unit


def bounded(unit: Unit, low: int, high: int, x: str) -> str:
    """`x` (int256) when it lies in `low..high`."""
    shown = f"{abs(low)}_{high}" if low >= 0 else f"m{abs(low)}_{high}"
    name = unit.helper(f"_between_{shown}", f'''
@pure
def _between_{shown}(x: int256) -> int256:
    assert {low} <= x and x <= {high}, "overflow"
    return x
''')
    return f"{name}({x})"


def power(unit: Unit, signed: bool, base: str, exponent: str) -> str:
    plain = unit.helper("_power", '''
@pure
def _power(base: uint256, exponent: uint256) -> uint256:
    if base < 2:
        return base if exponent > 0 else 1
    result: uint256 = 1
    square: uint256 = base
    rest: uint256 = exponent
    for bit: uint256 in range(256):
        if rest & 1 == 1:
            result *= square
        rest = rest >> 1
        if rest == 0:
            break
        square *= square
    return result
''')
    if not signed:
        return f"{plain}({base}, {exponent})"
    name = unit.helper("_signed_power", '''
@pure
def _signed_power(base: int256, exponent: uint256) -> int256:
    if base >= 0 or exponent & 1 == 0:
        return convert(self._power(self._magnitude(base), exponent), int256)
    size: uint256 = self._power(self._magnitude(base), exponent)
    if size == 2 ** 255:
        return min_value(int256)
    return -convert(size, int256)
''')
    magnitude(unit, base)
    return f"{name}({base}, {exponent})"


def magnitude(unit: Unit, x: str) -> str:
    """|x| of an int256."""
    name = unit.helper("_magnitude", '''
@pure
def _magnitude(x: int256) -> uint256:
    if x == min_value(int256):
        return 2 ** 255
    return convert(x if x >= 0 else -x, uint256)
''')
    return f"{name}({x})"


_BY_MAGNITUDE = {
    "*": ("_product", "return self._signed(less != minus, size * other)"),
    "//": ("_quotient", "return self._signed(less != minus, size // other)"),
    "%": ("_remainder", "return self._signed(less, size % other)"),
    "+": ("_total", """if less == minus:
        return self._signed(less, size + other)
    if size >= other:
        return self._signed(less, size - other)
    return self._signed(minus, other - size)"""),
    "-": ("_difference", """if less != minus:
        return self._signed(less, size + other)
    if size >= other:
        return self._signed(less, size - other)
    return self._signed(not less, other - size)"""),
}


def signed(unit: Unit, less: str, size: str) -> str:
    """The int256 of a sign and a magnitude."""
    name = unit.helper("_signed", '''
@pure
def _signed(less: bool, size: uint256) -> int256:
    if not less:
        return convert(size, int256)
    if size == 2 ** 255:
        return min_value(int256)
    return -convert(size, int256)
''')
    return f"{name}({less}, {size})"


def by_magnitude(unit: Unit, sign: str, parts: list[str]) -> str:
    """`a sign b` as int256; `parts`: of each whether it is negative, and its magnitude."""
    signed(unit, "", "")
    name, body = _BY_MAGNITUDE[sign]
    name = unit.helper(name, f'''
@pure
def {name}(less: bool, size: uint256, minus: bool, other: uint256) -> int256:
    {body}
''')
    return f"{name}({', '.join(parts)})"


def shifted(unit: Unit, signed: bool, left: bool, x: str, count: str) -> str:
    kind = "int256" if signed else "uint256"
    prefix = "_signed" if signed else ""
    if left:
        name = unit.helper(f"{prefix}_shift_left", f'''
@pure
def {prefix}_shift_left(x: {kind}, count: uint256) -> {kind}:
    assert count <= 4096, "shift"
    if x == 0:
        return 0
    assert count < 256, "overflow"
    moved: {kind} = x << count
    assert moved >> count == x, "overflow"
    return moved
''')
    else:
        name = unit.helper(f"{prefix}_shift_right", f'''
@pure
def {prefix}_shift_right(x: {kind}, count: uint256) -> {kind}:
    assert count <= 4096, "shift"
    return x >> count
''')
    return f"{name}({x}, {count})"


def exactly(unit: Unit, size: int, type: VType, x: str) -> str:
    """Bytes of exactly `size`, as bytesN."""
    suffix = str(type)[6:-1]
    name = unit.helper(f"_bytes{size}_of_{suffix}", f'''
@pure
def _bytes{size}_of_{suffix}(x: {type}) -> bytes{size}:
    assert len(x) == {size}, "wrong length"
    return convert(slice(x, 0, {size}), bytes{size})
''')
    return f"{name}({x})"


def signed_low(unit: Unit, bits: int, x: str) -> str:
    """Two's complement of the low `bits` of `x`."""
    name = unit.helper(f"_wrap_int{bits}", f'''
@pure
def _wrap_int{bits}(x: uint256) -> int256:
    if x < {1 << (bits - 1)}:
        return convert(x, int256)
    return {"convert(convert(x, bytes32), int256)" if bits == 256 else f"convert(x, int256) - {1 << bits}"}
''')
    return f"{name}({x})"


def clipped(unit: Unit, index: str, size: str) -> str:
    """Python's clipping of one bound of a slice; `index` is int256."""
    name = unit.helper("_clip", '''
@pure
def _clip(index: int256, size: uint256) -> uint256:
    place: int256 = index
    if place < 0:
        place += convert(size, int256)
    return min(convert(max(place, 0), uint256), size)
''')
    return f"{name}({index}, {size})"
