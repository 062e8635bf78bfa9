# pragma version 0.4.3
"""
@title L: the public log
@notice Append-only: under each key all values that were ever written, with their writers, blocks and times.
"""

import checks

struct Entry:
    block: uint256
    time: uint256
    writer: address
    kind: String[64]
    value: Bytes[4096]

struct Stored:
    head: uint256  # writer | time << 160 | block << 208
    kind: bytes32
    value: Bytes[4096]


event Written:
    key: indexed(bytes32)
    writer: indexed(address)
    index: uint256


# What is a time, and not a block's number.
TIMES: constant(uint256) = 2**30

counts: HashMap[bytes32, uint256]
entries: HashMap[bytes32, HashMap[uint256, Stored]]
# The same few types over and over: each is kept once.
kinds: HashMap[bytes32, String[64]]


@external
@nonreentrant
def write(key: bytes32, kind: String[64], content: Bytes[4096]):
    """
    @notice Append a value. Anyone may call it; about 140,000 gas for 32 bytes, 22,000 for each further 32.
    @param key see log_key in enigmalang/chain/digests.py
    @param kind the language type's text
    @param content its leaves, abi-encoded
    """
    hashed: bytes32 = keccak256(kind)
    if len(kind) > 0 and len(self.kinds[hashed]) == 0:
        self.kinds[hashed] = kind
    index: uint256 = self.counts[key]
    self.counts[key] = index + 1
    self.entries[key][index].head = (
        convert(msg.sender, uint256) | (block.timestamp << 160) | (block.number << 208)
    )
    self.entries[key][index].kind = hashed
    self.entries[key][index].value = content
    log Written(key=key, writer=msg.sender, index=index)


@external
@view
def count(key: bytes32) -> uint256:
    """
    @notice How many values there are under `key`.
    """
    return self.counts[key]


@external
@view
def has(key: bytes32) -> bool:
    """
    @notice Whether there is any.
    """
    return self.counts[key] > 0


@external
@view
def entry(key: bytes32, index: uint256) -> Entry:
    """
    @notice The value that was written as number `index`, from 0.
    """
    if index >= self.counts[key]:
        checks.refuse("no such entry")
    return self._entry(key, index)


@external
@view
def latest(key: bytes32) -> Entry:
    """
    @notice The value that was written last.
    """
    return self._last(key, self.counts[key])


@external
@view
def at(key: bytes32, when: uint256) -> Entry:
    """
    @notice The last value not after `when`: a time from 2**30 on, else a block's number.
    """
    low: uint256 = 0
    high: uint256 = self.counts[key]
    # `low` entries are known to be early enough, those from `high` on to be too late.
    for _: uint256 in range(256):
        if low == high:
            break
        middle: uint256 = (low + high) // 2
        head: uint256 = self.entries[key][middle].head
        written: uint256 = head >> 208
        if when >= TIMES:
            written = (head >> 160) & (2**48 - 1)
        if written <= when:
            low = middle + 1
        else:
            high = middle
    return self._last(key, low)


@internal
@view
def _last(key: bytes32, count: uint256) -> Entry:
    """
    @dev Of the first `count` entries.
    """
    if count == 0:
        checks.refuse("nothing under the key")
    return self._entry(key, count - 1)


@internal
@view
def _entry(key: bytes32, index: uint256) -> Entry:
    head: uint256 = self.entries[key][index].head
    return Entry(block=head >> 208, time=(head >> 160) & (2**48 - 1), writer=convert(head & (2**160 - 1), address),
                 kind=self.kinds[self.entries[key][index].kind], value=self.entries[key][index].value)
