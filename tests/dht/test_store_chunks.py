"""Chunks: the tree of RFC 6962, and that no chunk passes for another."""

from hashlib import sha256
from io import BytesIO

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storing import filled, in_the_clear

from enigmalang.dht import chunks as c
from enigmalang.dht.canonical import Malformed

#: The leaves and the root of the tests of Certificate Transparency (RFC 6962's reference implementation).
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_rfc_6962(count: int):
    assert c.root_of([c.leaf_of(leaf) for leaf in LEAVES[:count]]).hex() == ROOTS[count - 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, c.MOST_CHUNKS), st.data())
def test_a_path_proves_its_leaf_at_its_place_and_no_other(count: int, data: st.DataObject):
    leaves = [sha256(i.to_bytes(2, "big")).digest() for i in range(count)]
    index, other = (data.draw(st.integers(0, count - 1)) for _ in range(2))
    path, root = c.path_to(leaves, index), c.root_of(leaves)
    assert len(path) <= c.MOST_HASHES
    assert c.root_by(leaves[index], index, count, path) == root
    if other != index:
        assert c.root_by(leaves[other], index, count, path) != root
        assert c.root_by(leaves[index], other, count, path) != root
    assert c.root_by(leaves[index], index, count, (*path, root)) != root
    assert c.root_by(leaves[index], index, count, path[:-1]) != root or not path
    assert c.root_by(leaves[index], count, count, path) is None


def test_an_inner_node_is_no_leaf():
    """Otherwise the two hashes under a node could be sold as a chunk."""
    leaves = [c.leaf_of(b"a"), c.leaf_of(b"b")]
    assert c.leaf_of(b"".join(leaves)) != c.root_of(leaves)


@pytest.mark.parametrize("size", [0, 1, c.CHUNK - 17, c.CHUNK - 16, c.CHUNK - 15, c.CHUNK, c.CHUNK + 1, 3 * c.CHUNK,
                                  c.MAX_CONTENT])
@pytest.mark.parametrize("sealed", [False, True])
def test_sizes_go_there_and_back(size: int, sealed: bool):
    stored = c.stored_size(size, sealed)
    assert c.content_size(stored, sealed) == size
    assert stored <= c.MAX_STORED and c.count_of(stored) <= c.MOST_CHUNKS
    assert sum(c.length_of(stored, i) for i in range(c.count_of(stored))) == stored


@pytest.mark.parametrize("stored", [0, 15, c.CHUNK + 1, c.CHUNK + 16, c.MAX_STORED + 1])
def test_what_is_no_stored_size(stored: int):
    """A last chunk that is all tag, or less, or too large a value."""
    with pytest.raises(ValueError):
        c.content_size(stored, sealed=True)


class Slow(BytesIO):
    """Gives less than it is asked for, as sockets and pipes do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1000))


@pytest.mark.parametrize("source", [BytesIO, Slow])
def test_a_source_is_read_piece_by_piece(source: type[BytesIO]):
    content = filled(c.CHUNK + 5)
    found = list(c.pieces(source(content), len(content), sealed=False))
    assert [len(piece) for piece in found] == [c.CHUNK, 5] and b"".join(found) == content


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_source_of_another_size(wrong: int):
    with pytest.raises(c.BadSource):
        list(c.pieces(BytesIO(filled(1000)), 1000 + wrong, sealed=False))


def test_every_field_of_a_chunk_counts():
    value = in_the_clear(filled(3 * c.CHUNK + 9))
    leaves, root, size = value.leaves, value.root, value.size
    good, last = value.chunk(1), value.chunk(3)
    good.check(value.name)
    last.check(value.name)
    assert c.decode_chunk(c.encode_chunk(good)) == good
    flipped = bytes([good.data[0] ^ 1]) + good.data[1:]
    paths = [(*good.path[:i], leaves[3], *good.path[i + 1 :]) for i in range(len(good.path))]
    for field in [{"index": 0}, {"index": 2}, {"index": 7}, {"data": flipped}, {"data": good.data[:-1]},
                  {"data": value.chunks[0]}, {"path": ()}, {"path": good.path[::-1]}, *({"path": p} for p in paths)]:
        with pytest.raises(c.ChunkRefused):
            msgspec.structs.replace(good, **field).check(value.name)
    with pytest.raises(c.ChunkRefused):
        last.check(c.ValueName(root, size + 1))
    for other_root, other_size in ((leaves[1], size), (root, c.CHUNK * 2), (root, c.CHUNK * 5), (root, c.CHUNK * 16)):
        with pytest.raises(c.ChunkRefused):
            good.check(c.ValueName(other_root, other_size))


def test_a_chunk_has_one_encoding():
    data = c.encode_chunk(c.Chunk(3, b"abc", (bytes(32),)))
    longer = data.replace(b"\xc4\x03abc", b"\xc5\x00\x03abc")  # the same bytes with a longer length
    assert longer != data and msgspec.msgpack.decode(longer) == msgspec.msgpack.decode(data)
    for wrong in (longer, data + b"\0", data[:-1], b"", b"\xc0", bytes(c.MAX_ENCODED + 1),
                  c.encode_chunk(c.Chunk(3, bytes(c.CHUNK + 1), ())), c.encode_chunk(c.Chunk(3, b"", (b"short",))),
                  c.encode_chunk(c.Chunk(c.MOST_CHUNKS, b"", ())), c.encode_chunk(c.Chunk(-1, b"", ()))):
        with pytest.raises(Malformed):
            c.decode_chunk(wrong)


def test_the_largest_chunk_fits():
    largest = c.Chunk(c.MOST_CHUNKS - 1, bytes(c.CHUNK), (bytes(32),) * c.MOST_HASHES)
    assert c.decode_chunk(c.encode_chunk(largest)) == largest
    assert "\\x00" not in repr(largest)
