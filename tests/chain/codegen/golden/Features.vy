# pragma version 0.4.3
# Generated from features.enig by EnigmaLang: change that file, not this one.
"""
@title Features
@notice Holds one of everything.
"""

interface Hub:
    def attach(committee: uint256, plan: bytes32): nonpayable

struct Point:
    x: int32
    y: int256


# ---- State

HUB: public(immutable(Hub))
CREATOR: public(immutable(address))
PLAN_HASH: public(constant(bytes32)) = 0x07262cf482f926819a3ecf575e468f3247f9e6cc5143017d0a88349d5a35c166
version: public(uint256)  # raised by every transaction that changes state
private_root: public(bytes32)  # commitment of the nodes to the private state
n: public(uint32)                                                 # features.enig:10
_rate: int32                                                      # features.enig:11
wide: public(int256)                                              # features.enig:12
_grid: uint8[3][2]                                                # features.enig:13
_xs: DynArray[uint16, 10]                                         # features.enig:14
_points_x: DynArray[int32, 5]                                     # features.enig:15
_points_y: DynArray[int32, 5]                                     # features.enig:15
corner_x: public(int32)                                           # features.enig:16
_corner_y: int32                                                  # features.enig:16
_words: DynArray[String[8], 4]                                    # features.enig:17
has_bal: public(HashMap[address, bool])                           # features.enig:18
bal: public(HashMap[address, uint64])                             # features.enig:18
allowed: public(HashMap[address, HashMap[address, uint64]])       # features.enig:19
accounts_x: public(HashMap[address, int32])                       # features.enig:20
_accounts_y: HashMap[address, int32]                              # features.enig:20
_logs: HashMap[address, DynArray[uint8, 4]]                       # features.enig:21
_boards: HashMap[uint8, uint8[2][2]]                              # features.enig:22
name: public(String[20])                                          # features.enig:23
data: public(Bytes[40])                                           # features.enig:24
phase: public(uint8)                                              # features.enig:25
owner: public(address)                                            # features.enig:26
key: public(bytes32)                                              # features.enig:27


# ---- Events

event Moved:
    p: Point
    n: uint32
    s: String[10]
    phase: uint8

event Listed:
    xs: DynArray[uint16, 10]
    rows: uint8[3][2]
    rate: int256


# ---- Init

@deploy
def __init__(hub: address, committee: uint256, first: uint32, title: String[20]):  # features.enig:35
    HUB = Hub(hub)
    CREATOR = msg.sender
    if committee != 0:  # no function needs the nodes
        extcall Hub(hub).attach(committee, PLAN_HASH)
    self.version += 1
    assert first >= 1 and first <= 10, "first is outside of its range"  # features.enig:35
    self.n = first                                                # features.enig:36
    self.name = title                                             # features.enig:37
    self.owner = msg.sender                                       # features.enig:38


# ---- Functions

@external
@nonreentrant
def in_place(i: uint8, v: uint16) -> uint16:                      # features.enig:40
    self.version += 1
    self._grid[1][i] += 7                                         # features.enig:41
    self._grid[0][0] = 2                                          # features.enig:42
    self._xs.append(v)                                            # features.enig:43
    self._xs[i] = v + 1                                           # features.enig:44
    self._logs[msg.sender].append(i)                              # features.enig:45
    self._boards[i][1][0] = 9                                     # features.enig:46
    owner: address = self.owner                                   # features.enig:47
    self.allowed[msg.sender][owner] += 5                          # features.enig:47
    last: uint16 = self._xs.pop()                                 # features.enig:48
    self._xs.append(last)                                         # features.enig:49
    return last                                                   # features.enig:50


@external
@nonreentrant
def copies(v: uint16) -> (uint16, uint16):                        # features.enig:52
    self.version += 1
    xs: DynArray[uint16, 10] = self._xs                           # features.enig:54
    self._xs.append(v)                                            # features.enig:54
    xs_2: DynArray[uint16, 10] = self._xs                         # features.enig:56
    xs_2[0] = 77                                                  # features.enig:56
    return xs[0], xs_2[0] + self._xs[len(self._xs) - 1]           # features.enig:57


@external
@nonreentrant
@payable
def pay(to: address) -> uint64:                                   # features.enig:59
    self.version += 1
    if self.bal[to] < 5:                                          # features.enig:60
        self.bal[to] += 3                                         # features.enig:61
        self.has_bal[to] = True                                   # features.enig:61
        raw_revert(abi_encode(self.bal[to], convert(5, uint64), method_id=method_id("Poor(uint64,uint64)")))  # features.enig:62
    raw_call(to, b"", value=msg.value // 2)                       # features.enig:63
    return self.bal[to]                                           # features.enig:64


@external
@nonreentrant
def give(to: address, amount: uint64):                            # features.enig:66
    self.version += 1
    assert to != self.owner, "not to the owner"                   # features.enig:67
    self.bal[to] += amount                                        # features.enig:68
    self.has_bal[to] = True                                       # features.enig:68


@external
@nonreentrant
def point(p: Point, ps: DynArray[Point, 3]) -> (Point, DynArray[Point, 3], uint256):  # features.enig:70
    self.version += 1
    y: int32 = convert(p.y, int32)                                # features.enig:70
    x: DynArray[int32, 3] = []                                    # features.enig:70
    y_2: DynArray[int32, 3] = []                                  # features.enig:70
    for i: uint256 in range(len(ps), bound=3):                    # features.enig:70
        x.append(ps[i].x)                                         # features.enig:70
        y_2.append(convert(ps[i].y, int32))                       # features.enig:70
    self.accounts_x[msg.sender] = p.x                             # features.enig:71
    self._accounts_y[msg.sender] = y                              # features.enig:71
    self.corner_x = p.x + 1                                       # features.enig:72
    self._corner_y = convert((convert(y, int256) * 131072 + 32768) >> 16, int32)  # features.enig:72
    self._points_x.append(p.x)                                    # features.enig:73
    self._points_y.append(y)                                      # features.enig:73
    for i_2: uint256 in range(min(len(x), len(y_2)), bound=3):    # features.enig:74
        self._points_x.append(x[i_2])                             # features.enig:75
        self._points_y.append(y_2[i_2])                           # features.enig:75
    log Moved(p=Point(x=self.corner_x, y=convert(self._corner_y, int256)), n=self.n, s="moved", phase=self.phase)  # features.enig:76
    rows: DynArray[Point, 3] = []                                 # features.enig:77
    for i_3: uint256 in range(len(x), bound=3):                   # features.enig:77
        rows.append(Point(x=x[i_3], y=convert(y_2[i_3], int256)))  # features.enig:77
    return Point(x=self.accounts_x[msg.sender], y=convert(self._accounts_y[msg.sender], int256)), rows, len(self._points_x)  # features.enig:77


@external
@nonreentrant
def odd(p: Point):                                                # features.enig:79
    self.version += 1
    raw_revert(abi_encode(Point(x=p.x, y=convert(convert(p.y, int32), int256)), "odd", method_id=method_id("Odd((int32,int256),string)")))  # features.enig:80


@external
@nonreentrant
def plain(x: uint8):                                              # features.enig:82
    self.version += 1
    if not x > 3:                                                 # features.enig:83
        raw_revert(method_id("Plain()"))                          # features.enig:83
    self.n = 0                                                    # features.enig:84


@external
@nonreentrant
def fixed_point(a: int256, b: int256) -> (int256, int256, int256, int32, int256):  # features.enig:86
    self.version += 1
    a_2: int32 = convert(a, int32)                                # features.enig:86
    b_2: int32 = convert(b, int32)                                # features.enig:86
    self._rate = convert((convert(a_2, int256) * convert(b_2, int256) + 32768) >> 16, int32)  # features.enig:87
    self.wide = self._between_m4294967296_4294967295(convert(self._rate, int256) // 8)  # features.enig:88
    return convert(a_2 + b_2, int256), convert(a_2 - b_2, int256), convert(convert(convert(a_2, int256) * 65536 // convert(b_2, int256), int32), int256), convert(convert(a_2, int256) // 65536, int32), convert(-self._rate, int256)  # features.enig:89


@external
@nonreentrant
def texts(a: String[8], b: String[8]) -> (String[16], uint256, bool):  # features.enig:91
    self.version += 1
    self._words.append(a)                                         # features.enig:92
    self.name = concat(a, b)                                      # features.enig:93
    found: bool = False                                           # features.enig:94
    for i: uint256 in range(len(self._words), bound=4):           # features.enig:94
        if self._words[i] == a:                                   # features.enig:94
            found = True                                          # features.enig:94
            break                                                 # features.enig:94
    return abi_decode(abi_encode(self.name), String[16]), len(self.name), found and a == b  # features.enig:94


@external
@nonreentrant
def keyed(x: bytes32, some: Bytes[40]) -> (bytes32, uint256, bool):  # features.enig:96
    self.version += 1
    self.key = x                                                  # features.enig:97
    self.data = some                                              # features.enig:98
    return self.key, len(self.data), self.data == some            # features.enig:99


@external
@nonreentrant
def phases(p: uint8) -> bool:                                     # features.enig:101
    self.version += 1
    assert p < 2, "p is no Phase"                                 # features.enig:101
    phase: uint8 = self.phase                                     # features.enig:103
    self.phase = p                                                # features.enig:103
    return phase == p                                             # features.enig:104


@external
@nonreentrant
def loops(k: uint8) -> (uint32, uint32, uint256):                 # features.enig:106
    self.version += 1
    total: uint32 = 0                                             # features.enig:108
    for i: uint256 in range(convert(k, uint256), bound=255):      # features.enig:108
        if i == 7:                                                # features.enig:109
            break                                                 # features.enig:109
        for x: uint16 in self._xs:                                # features.enig:110
            if x == 3:                                            # features.enig:111
                continue                                          # features.enig:111
            if x == 99:                                           # features.enig:112
                break                                             # features.enig:112
            total += convert(x, uint32)                           # features.enig:113
    steps: uint32 = 0                                             # features.enig:115
    for step: uint256 in range(50):                               # features.enig:115
        if not steps * steps < total:                             # features.enig:115
            break                                                 # features.enig:115
        steps += 1                                                # features.enig:116
    items: DynArray[uint16, 10] = []                              # features.enig:117
    for x_2: uint16 in self._xs:                                  # features.enig:117
        if x_2 > 3:                                               # features.enig:117
            items.append(x_2)                                     # features.enig:117
    items_2: DynArray[uint16, 10] = []                            # features.enig:117
    for i_2: uint256 in range(len(items), bound=10):              # features.enig:117
        items_2.append(items[i_2] * 2)                            # features.enig:117
    items_3: DynArray[uint16, 10] = []                            # features.enig:118
    for i_3: uint256 in range(len(self._xs), bound=10):           # features.enig:118
        items_3.append(self._xs[i_3] + 1)                         # features.enig:118
    total_2: uint256 = 0                                          # features.enig:119
    for x_3: uint16 in items_2:                                   # features.enig:119
        total_2 += convert(x_3, uint256)                          # features.enig:119
    assert len(items_3) > 0, "the list is empty"                  # features.enig:119
    max_: uint16 = items_3[0]                                     # features.enig:119
    for x_4: uint16 in items_3:                                   # features.enig:119
        max_ = max(max_, x_4)                                     # features.enig:119
    return total, steps, total_2 + convert(max_, uint256)         # features.enig:119


@external
@nonreentrant
def search(x: uint16) -> uint256:                                 # features.enig:121
    self.version += 1
    high: uint256 = len(self._xs)                                 # features.enig:122
    for i: uint256 in range(high, bound=10):                      # features.enig:122
        for j: uint256 in range(3):                               # features.enig:123
            if convert(self._xs[i], uint256) == convert(x, uint256) + j:  # features.enig:124
                self.n += 1                                       # features.enig:125
                return i * 10 + j                                 # features.enig:126
    assert self.n < 100, "tired"                                  # features.enig:127
    return 1000                                                   # features.enig:128


@external
@nonreentrant
def slices(a: int256, b: int256) -> (DynArray[uint16, 10], DynArray[uint16, 10]):  # features.enig:130
    self.version += 1
    start: uint256 = self._clip(a, len(self._xs))                 # features.enig:131
    end: uint256 = self._clip(b, len(self._xs))                   # features.enig:131
    xs: DynArray[uint16, 10] = []                                 # features.enig:131
    for i: uint256 in range(start, max(start, end), bound=10):    # features.enig:131
        xs.append(self._xs[i])                                    # features.enig:131
    self._xs = xs                                                 # features.enig:131
    xs_2: DynArray[uint16, 10] = []                               # features.enig:132
    for i_2: uint256 in range(len(self._xs), bound=10):           # features.enig:132
        xs_2.append(self._xs[len(self._xs) - 1 - i_2])            # features.enig:132
    end_2: uint256 = min(3, len(self._xs))                        # features.enig:132
    xs_3: DynArray[uint16, 3] = []                                # features.enig:132
    for i_3: uint256 in range(0, max(0, end_2), bound=10):        # features.enig:132
        xs_3.append(self._xs[i_3])                                # features.enig:132
    end_3: uint256 = min(1, len(self._xs))                        # features.enig:132
    xs_4: DynArray[uint16, 1] = []                                # features.enig:132
    for i_4: uint256 in range(0, max(0, end_3), bound=10):        # features.enig:132
        xs_4.append(self._xs[i_4])                                # features.enig:132
    xs_5: DynArray[uint16, 4] = xs_3                              # features.enig:132
    for i_5: uint256 in range(len(xs_4), bound=1):                # features.enig:132
        xs_5.append(xs_4[i_5])                                    # features.enig:132
    return xs_2, xs_5                                             # features.enig:132


@external
@nonreentrant
def listed() -> (bool, bool, uint16):                             # features.enig:134
    self.version += 1
    log Listed(xs=self._xs, rows=self._grid, rate=convert(self._rate, int256))  # features.enig:135
    items: DynArray[bool, 10] = []                                # features.enig:136
    for i: uint256 in range(len(self._xs), bound=10):             # features.enig:136
        items.append(self._xs[i] > 5)                             # features.enig:136
    any: bool = False                                             # features.enig:136
    for x: bool in items:                                         # features.enig:136
        if x:                                                     # features.enig:136
            any = True                                            # features.enig:136
            break                                                 # features.enig:136
    items_2: DynArray[bool, 10] = []                              # features.enig:136
    for i_2: uint256 in range(len(self._xs), bound=10):           # features.enig:136
        items_2.append(self._xs[i_2] > 0)                         # features.enig:136
    all: bool = True                                              # features.enig:136
    for x_2: bool in items_2:                                     # features.enig:136
        if not x_2:                                               # features.enig:136
            all = False                                           # features.enig:136
            break                                                 # features.enig:136
    assert len(self._xs) > 0, "the list is empty"                 # features.enig:136
    min_: uint16 = self._xs[0]                                    # features.enig:136
    for x_3: uint16 in self._xs:                                  # features.enig:136
        min_ = min(min_, x_3)                                     # features.enig:136
    return any, all, min_                                         # features.enig:136


@external
@nonreentrant
def edges(a: int256, b: uint256) -> (int256, uint256):            # features.enig:138
    self.version += 1
    return a // 3 + a % 7, self._shift_right(b, 3)                # features.enig:139


@external
@nonreentrant
def power(a: int16, e: uint8) -> (int256, uint256):               # features.enig:141
    self.version += 1
    return self._signed_power(convert(a, int256), convert(e, uint256)), convert(e, uint256) ** 3  # features.enig:142


@external
@nonreentrant
def shifts(a: int64, b: uint16, k: uint8) -> (int64, uint16, int64):  # features.enig:144
    self.version += 1
    return convert(self._signed_shift_right(convert(a, int256), convert(k, uint256)), int64), convert(self._shift_left(convert(b, uint256), convert(k, uint256)), uint16), convert(self._signed_shift_left(convert(a, int256), convert(k, uint256)), int64)  # features.enig:145


@external
@nonreentrant
def bits(a: int16, b: int16, c: uint8) -> (int16, int16, int16, uint8):  # features.enig:147
    self.version += 1
    return a & b, a | b, a ^ b, 255 - c                           # features.enig:148


@external
@nonreentrant
def squeeze(a: int256) -> (uint8, int8, uint8):                   # features.enig:150
    self.version += 1
    return convert(convert(convert(a, bytes32), uint256) & 255, uint8), convert(self._wrap_int8(convert(convert(a, bytes32), uint256) & 255), int8), convert(max(min(a, 255), 0), uint8)  # features.enig:154


@external
@view
def known(who: address, x: uint16) -> (bool, bool, uint64):       # features.enig:156
    return self.has_bal[who], x in self._xs, self.bal[who]        # features.enig:157


@external
@nonreentrant
def time() -> (uint256, uint256, uint256):                        # features.enig:159
    self.version += 1
    return block.timestamp, block.number, self.balance            # features.enig:160


@external
@nonreentrant
def swap(a: uint32, b: uint32, k: uint8) -> (uint32, uint32):     # features.enig:162
    self.version += 1
    a_2: uint32 = a                                               # features.enig:165
    b_2: uint32 = b                                               # features.enig:165
    for i: uint256 in range(convert(k, uint256), bound=255):      # features.enig:165
        b_2_2: uint32 = a_2 + b_2                                 # features.enig:166
        a_2 = b_2                                                 # features.enig:166
        b_2 = b_2_2                                               # features.enig:166
    return a_2, b_2                                               # features.enig:167


# ---- Getters: state as the language has it

@external
@view
def rate() -> int256:                                             # features.enig:11
    return convert(self._rate, int256)


@external
@view
def grid() -> uint8[3][2]:                                        # features.enig:13
    return self._grid


@external
@view
def xs() -> DynArray[uint16, 10]:                                 # features.enig:14
    return self._xs


@external
@view
def points_x() -> DynArray[int32, 5]:                             # features.enig:15
    return self._points_x


@external
@view
def points_y() -> DynArray[int256, 5]:                            # features.enig:15
    items: DynArray[int256, 5] = []
    for i: uint256 in range(len(self._points_y), bound=5):
        items.append(convert(self._points_y[i], int256))
    return items


@external
@view
def corner_y() -> int256:                                         # features.enig:16
    return convert(self._corner_y, int256)


@external
@view
def words() -> DynArray[String[8], 4]:                            # features.enig:17
    return self._words


@external
@view
def accounts_y(key: address) -> int256:                           # features.enig:20
    return convert(self._accounts_y[key], int256)


@external
@view
def logs(key: address) -> DynArray[uint8, 4]:                     # features.enig:21
    return self._logs[key]


@external
@view
def boards(key: uint8) -> uint8[2][2]:                            # features.enig:22
    return self._boards[key]


@external
@view
def corner() -> Point:                                            # features.enig:16
    return Point(x=self.corner_x, y=convert(self._corner_y, int256))


@external
@view
def accounts(key: address) -> Point:                              # features.enig:20
    return Point(x=self.accounts_x[key], y=convert(self._accounts_y[key], int256))


# ---- Arithmetic with the language's meaning

@internal
@pure
def _between_m4294967296_4294967295(x: int256) -> int256:
    assert -4294967296 <= x and x <= 4294967295, "overflow"
    return x


@internal
@pure
def _clip(index: int256, size: uint256) -> uint256:
    place: int256 = index
    if place < 0:
        place += convert(size, int256)
    return min(convert(max(place, 0), uint256), size)


@internal
@pure
def _shift_right(x: uint256, count: uint256) -> uint256:
    assert count <= 4096, "shift"
    return x >> count


@internal
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


@internal
@pure
def _signed_power(base: int256, exponent: uint256) -> int256:
    if base >= 0 or exponent & 1 == 0:
        return convert(self._power(self._magnitude(base), exponent), int256)
    size: uint256 = self._power(self._magnitude(base), exponent)
    if size == 2 ** 255:
        return min_value(int256)
    return -convert(size, int256)


@internal
@pure
def _magnitude(x: int256) -> uint256:
    if x == min_value(int256):
        return 2 ** 255
    return convert(x if x >= 0 else -x, uint256)


@internal
@pure
def _signed_shift_right(x: int256, count: uint256) -> int256:
    assert count <= 4096, "shift"
    return x >> count


@internal
@pure
def _shift_left(x: uint256, count: uint256) -> uint256:
    assert count <= 4096, "shift"
    if x == 0:
        return 0
    assert count < 256, "overflow"
    moved: uint256 = x << count
    assert moved >> count == x, "overflow"
    return moved


@internal
@pure
def _signed_shift_left(x: int256, count: uint256) -> int256:
    assert count <= 4096, "shift"
    if x == 0:
        return 0
    assert count < 256, "overflow"
    moved: int256 = x << count
    assert moved >> count == x, "overflow"
    return moved


@internal
@pure
def _wrap_int8(x: uint256) -> int256:
    if x < 128:
        return convert(x, int256)
    return convert(x, int256) - 256
