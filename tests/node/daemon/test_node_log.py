"""The log: lines for people and for programs, problems that are remembered, and plain facts only."""

import io
import json
import os
import stat
from contextlib import suppress

import pytest

from enigmalang.node.daemon.config import LogOptions
from enigmalang.node.daemon.log import KEPT, MAX_TEXT, Log


def logged(tmp_path, write, **options):
    stream = io.StringIO()
    log = Log(LogOptions(**options), tmp_path, stream)
    write(log)
    log.close()
    return stream.getvalue().splitlines()


def test_lines_for_people(tmp_path):
    (line,) = logged(tmp_path, lambda log: log.info("connected", peer="0xab", reason="two words", times=3, gone=None))
    assert line.endswith(' info    connected peer=0xab reason="two words" times=3 gone=null')
    assert line[10] == "T" and line.split(" ")[0].endswith("Z")


def test_lines_for_programs(tmp_path):
    (line,) = logged(tmp_path, lambda log: log.error("bad", peers=["a", "b"], ok=True), format="json")
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {"level": "error", "event": "bad", "peers": ["a", "b"], "ok": True}


def test_the_level_that_is_asked_for(tmp_path):
    def write(log):
        for level in ("debug", "info", "warning", "error"):
            getattr(log, level)(level)

    for least, count in (("debug", 4), ("info", 3), ("warning", 2), ("error", 1)):
        assert len(logged(tmp_path, write, level=least)) == count


@pytest.mark.parametrize("fact", [b"secret", bytearray(b"x"), memoryview(b"x"), object(), [b"x"], {"a": 1}, (1,)])
def test_what_may_be_a_secret_is_refused(tmp_path, fact):
    log = Log(LogOptions(), tmp_path, io.StringIO())
    with pytest.raises(TypeError, match="no fact for a log") as error:
        log.info("event", fact=fact)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("format", ["text", "json"])
def test_one_line_whatever_others_say(tmp_path, format):
    evil = "\n2026 error forged\x1b[31m\u2028" + "x" * 10_000
    (line,) = logged(tmp_path, lambda log: log.info("refused", reason=evil), format=format)
    assert line.isprintable() and len(line) < MAX_TEXT + 200


def test_problems_are_remembered(tmp_path):
    log = Log(LogOptions(level="error"), tmp_path, io.StringIO())
    log.info("fine")
    for number in range(KEPT + 5):
        log.warning("late", number=number)
    log.error("worse")
    problems = log.problems()
    assert len(problems) == KEPT and (problems[-1].level, problems[-1].text) == ("error", "worse")
    assert problems[0].text == "late number=6" and log.counts() == {"warning": KEPT + 5, "error": 1}


def test_files_are_changed_when_they_are_full(tmp_path):
    log = Log(LogOptions(file="logs/node.log", file_bytes=10_000, files=2), tmp_path)
    for number in range(1000):
        log.info("event", number=number)
    log.close()
    names = sorted(os.listdir(tmp_path / "logs"))
    assert names == ["node.log", "node.log.1", "node.log.2"]
    for name in names:
        path = tmp_path / "logs" / name
        assert path.stat().st_size <= 10_000
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / "logs/node.log").read_text().splitlines()[-1].endswith("number=999")


def test_a_full_disk_ends_nothing(tmp_path, capsys):
    with open("/dev/full", "w", buffering=1) as full:
        log = Log(LogOptions(), tmp_path, full)
        log.warning("event")
        log.info("event")
        assert log.lost == 2 and len(log.problems()) == 1
        with suppress(OSError):
            full.close()
    assert capsys.readouterr() == ("", "")
