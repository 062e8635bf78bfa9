"""The store: what is locked can be read by its readers and nobody else."""

from dataclasses import replace

from enigmalang.dht.sealing import lock, unlock
from enigmalang.identity.keys import Keystore


def test_only_readers_can_unlock():
    keys = Keystore()
    alice, bob, eve = (keys.get(name) for name in ("alice", "bob", "eve"))
    blob = lock(b"the content", [alice.public_key, bob.public_key])
    assert b"the content" not in blob.content
    for reader in (alice, bob):
        assert unlock(blob, reader.public_key, reader.private_key) == b"the content"
    assert unlock(blob, eve.public_key, eve.private_key) is None
    assert unlock(blob, alice.public_key, eve.private_key) is None


def test_a_changed_blob_is_refused():
    alice = Keystore().get("alice")
    blob = lock(b"the content", [alice.public_key])
    changed = replace(blob, content=bytes([blob.content[0] ^ 1]) + blob.content[1:])
    assert unlock(changed, alice.public_key, alice.private_key) is None


def test_for_anyone_is_in_the_clear():
    eve = Keystore().get("eve")
    assert unlock(lock(b"x", None), eve.public_key, eve.private_key) == b"x"


def test_two_locks_of_one_content_differ():
    alice = Keystore().get("alice")
    assert lock(b"x", [alice.public_key]).content != lock(b"x", [alice.public_key]).content
