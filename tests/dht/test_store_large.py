"""A value of 64 MB from a file to a shelf and back: never more of it in memory than a few chunks."""

import tracemalloc
from collections.abc import Iterable, Iterator
from hashlib import sha256, shake_256
from itertools import islice
from pathlib import Path

from storing import ALICE, DOMAIN, NOW, Ledger, name, signed

from enigmalang.dht.chunks import MAX_CONTENT, MAX_STORED, Chunk, leaf_of, path_to, root_of
from enigmalang.dht.records import Record, verify
from enigmalang.dht.sealing import Sealer, opener
from enigmalang.dht.shelf import Shelf

MEGABYTE = 2**20
#: Of Python's own memory; sqlite's cache is bounded by the shelf.
MOST_MEMORY = 8 * MEGABYTE
TOGETHER = 4


def test_the_largest_value_streams(tmp_path: Path):
    source, spool = tmp_path / "source", tmp_path / "sealed"
    before = sha256()
    with source.open("wb") as file:
        for i in range(MAX_CONTENT // MEGABYTE):
            block = shake_256(i.to_bytes(4, "big")).digest(4096) * (MEGABYTE // 4096)
            before.update(block)
            file.write(block)
    tracemalloc.start()
    try:
        after = store_and_read(source, spool, tmp_path / "shelf.db")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after == before.digest()
    assert peak < MOST_MEMORY, f"{peak / MEGABYTE:.1f} MB"


def store_and_read(source: Path, spool: Path, shelf_path: Path) -> bytes:
    """As a client does: seal once into a file, sign for what came out, send it on, and read it back."""
    sealer, leaves, lengths = Sealer(MAX_CONTENT, [ALICE.public_key]), [], []
    with source.open("rb") as reading, spool.open("wb") as writing:
        for chunk in sealer.chunks(reading):
            leaves.append(leaf_of(chunk))
            lengths.append(len(chunk))
            writing.write(chunk)
    record = Record(1, name("large"), bytes.fromhex(ALICE.address[2:]), 1, sum(lengths), root_of(leaves),
                    sealer.sealing, bytes(32))
    assert record.size == MAX_STORED
    ledger = Ledger()
    ledger.point(record)
    found = opener(record.sealing, record.size, ALICE.public_key, ALICE.private_key)
    assert found is not None
    content = sha256()
    with Shelf(shelf_path, 2 * MAX_STORED) as shelf, spool.open("rb") as reading:
        shelf.put(verify(signed(record), DOMAIN, ledger, NOW))
        for some in together(Chunk(i, reading.read(n), path_to(leaves, i)) for i, n in enumerate(lengths)):
            shelf.put_chunks(record, some)
        for place in range(len(leaves)):
            chunk = shelf.chunk(record, place)
            assert chunk is not None
            content.update(found.open(place, chunk.data))
    return content.digest()


def together(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """A few at a time, in one transaction."""
    left = iter(chunks)
    while some := list(islice(left, TOGETHER)):
        yield some
