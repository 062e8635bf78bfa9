"""The disk of a node is full, a real one: it says so, loses nothing, and goes on when there is room."""

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_purse import Purse
from fault_town import SOON, Later, Node, until

from enigmalang.node.remote import RemoteError

#: Bytes that are left on the small disk when the node begins with it.
ROOM = 2 << 20


def mounted(folder: Path, size: int) -> None:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(folder)],
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"file systems cannot be mounted here: {made.stderr.strip()}")


@contextmanager
def small_disk(node: Node) -> Iterator[Path]:
    """The data of a node on a file system of its own, which has little room; in place of its process, another one."""
    data, aside = node.folder / "data", node.folder / "aside"
    node.stop()
    data.rename(aside)
    data.mkdir(mode=0o700)
    used = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file())
    try:
        mounted(data, used + ROOM)
        try:
            shutil.copytree(aside, data, dirs_exist_ok=True)
            node.start()
            node.serving()
            yield data
        finally:
            node.kill()
            shutil.rmtree(aside)
            shutil.copytree(data, aside)
            subprocess.run(["umount", str(data)], check=True)
    finally:
        data.rmdir()
        aside.rename(data)
        node.start()
        node.serving()


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1 << 6, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC
    assert os.statvfs(folder).f_bavail == 0
    return path


def complains(node: Node) -> bool:
    return any("no room" in problem["text"] for problem in node.status().get("problems", ()))


def put_or_words(purse: Purse) -> bool:
    """Whether it was taken. Who is refused is told why."""
    try:
        return purse.put()
    except RemoteError as error:
        assert "no room left" in error.text
        return False


def test_a_full_disk(purse: Purse, rng):
    node, other, _ = rng.sample(purse.members, 3)
    with small_disk(node) as data:
        assert purse.put()
        filler = fill(data)
        later = Later(lambda: put_or_words(purse))
        other.kill()  # the members have to meet again, in a term that each writes down
        other.start()
        until(lambda: complains(node), "a complaint in the status", SOON)
        assert "there is no room left" in node.log()
        assert not node.status()["healthy"]
        filler.unlink()
        later.result()
        assert purse.put()
        purse.check()


def test_a_node_begins_on_a_full_disk(purse: Purse, rng):
    node = rng.choice(purse.members)
    with small_disk(node) as data:
        assert purse.put()
        filler = fill(data)
        node.kill()
        node.start()
        until(lambda: not node.runs or node.status()["phase"] == "serving", "a start, or an end with words", SOON)
        assert node.runs or re.search("no room left|disk is full", node.said())
        assert "Traceback" not in node.said() and "bug" not in node.said()
        filler.unlink()
        if not node.runs:
            node.start()
            node.serving()
        assert purse.put()
        purse.check()
