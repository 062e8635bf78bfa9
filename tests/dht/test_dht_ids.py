"""Places of nodes and keys."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enigmalang.dht import ids

ADDRESS = "0x" + "ab" * 20
PLACES = st.integers(0, 2**256 - 1)


def test_a_node_stands_where_its_address_says() -> None:
    assert ids.node_id(ADDRESS) == ids.node_id(ADDRESS.upper().replace("X", "x"))
    assert ids.node_id(ADDRESS) != ids.node_id("0x" + "ab" * 19 + "ac")
    raw = b"\xab" * 20
    assert ids.id_bytes(ids.node_id(ADDRESS)) == blake2b(raw, digest_size=32, person=b"enig dht node").digest()


def test_what_was_drawn_at_registration_moves_it() -> None:
    assert len({ids.node_id(ADDRESS, drawn) for drawn in (b"", b"block 1", b"block 2")}) == 3


def test_keys_and_nodes_do_not_share_hashes() -> None:
    assert ids.key_id(bytes.fromhex(ADDRESS[2:])) != ids.node_id(ADDRESS)


@pytest.mark.parametrize("bad", ["", "0x", "ab" * 20, "0x" + "ab" * 19, "0x" + "ab" * 21, "0x" + "gh" * 20])
def test_what_is_no_address_has_no_place(bad: str) -> None:
    with pytest.raises(ValueError):
        ids.node_id(bad)


@given(PLACES)
def test_an_id_travels_as_32_bytes(place: int) -> None:
    assert len(ids.id_bytes(place)) == 32
    assert ids.bytes_id(ids.id_bytes(place)) == place


def test_other_lengths_are_no_ids() -> None:
    for size in (0, 31, 33):
        with pytest.raises(ValueError, match="expected 32"):
            ids.bytes_id(bytes(size))


@given(PLACES, st.integers(0, 255), st.binary(max_size=8))
def test_a_place_drawn_in_a_bucket_is_in_it(mine: int, bucket: int, salt: bytes) -> None:
    place = ids.place_in_bucket(mine, bucket, salt)
    assert 0 <= place < 2**256
    assert ids.bucket_of(mine, place) == bucket


def test_i_am_in_no_bucket() -> None:
    assert ids.bucket_of(5, 5) == -1
