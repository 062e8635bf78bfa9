"""`enig fmt` through the real command: what is written, what is said, what is left alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from run_support import EXAMPLES, ROOT, enig

MESSY, TIDY, BROKEN = "a=1 #one\n", "a = 1  # one\n", "a = (1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "messy.enig").write_text(MESSY)
    (tmp_path / "deep" / "tidy.enig").write_text(TIDY)
    return tmp_path


def filtered(text: str | bytes, *options: str) -> "subprocess.CompletedProcess[bytes]":
    code = "from enigmalang.cli import main; main()"
    raw = text.encode() if isinstance(text, str) else text
    command = [sys.executable, "-c", code, "fmt", *options, "-"]
    return subprocess.run(command, input=raw, capture_output=True, check=False)


def test_files_are_rewritten_once(folder: Path) -> None:
    done = enig("fmt", ".", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "1 file formatted, 1 file unchanged\n"
    assert (folder / "messy.enig").read_text() == TIDY
    assert enig("fmt", ".", cwd=folder).stderr == "2 files unchanged\n"


def test_check_names_files_and_writes_nothing(folder: Path) -> None:
    done = enig("fmt", "--check", ".", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "messy.enig\n")
    assert (folder / "messy.enig").read_text() == MESSY
    assert enig("fmt", "--check", "deep", cwd=folder).returncode == 0


def test_diff_shows_and_writes_nothing(folder: Path) -> None:
    done = enig("fmt", "--diff", "messy.enig", cwd=folder)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "--- messy.enig", "+++ messy.enig (formatted)", "@@ -1 +1 @@", "-a=1 #one", "+a = 1  # one",
    ]
    assert (folder / "messy.enig").read_text() == MESSY


def test_characters_that_reorder_are_refused_in_comments_too(folder: Path) -> None:
    (folder / "trojan.enig").write_text("a=1 # one\u202e\n", "utf-8")
    done = enig("fmt", "trojan.enig", cwd=folder)
    assert done.returncode == 1 and "error[E0015]" in done.stderr and "\u202e" not in done.stderr
    assert (folder / "trojan.enig").read_text("utf-8") == "a=1 # one\u202e\n"


def test_a_file_with_errors_is_left_alone_and_the_others_are_not(folder: Path) -> None:
    (folder / "broken.enig").write_text(BROKEN)
    done = enig("fmt", ".", cwd=folder)
    assert done.returncode == 1
    assert "error[E0002]" in done.stderr and "--> broken.enig:1:5" in done.stderr
    assert (folder / "broken.enig").read_text() == BROKEN
    assert (folder / "messy.enig").read_text() == TIDY


def test_the_mode_and_the_link_stay_and_nothing_else_is_left(folder: Path) -> None:
    path = folder / "messy.enig"
    path.chmod(0o640)
    (folder / "link.enig").symlink_to("messy.enig")
    before = path.stat().st_ino
    assert enig("fmt", "link.enig", cwd=folder).returncode == 0
    assert (folder / "link.enig").is_symlink()
    assert path.read_text() == TIDY
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_ino != before  # replaced whole, never half written
    assert sorted(os.listdir(folder)) == ["deep", "link.enig", "messy.enig"]


def test_line_ends_and_the_byte_order_mark_become_ours(folder: Path) -> None:
    path = folder / "messy.enig"
    path.write_bytes(b"\xef\xbb\xbf" + TIDY.replace("\n", "\r\n").encode())
    assert enig("fmt", "--check", "messy.enig", cwd=folder).returncode == 1
    assert enig("fmt", "messy.enig", cwd=folder).returncode == 0
    assert path.read_bytes() == TIDY.encode()


def test_standard_input() -> None:
    done = filtered(MESSY)
    assert (done.returncode, done.stdout, done.stderr) == (0, TIDY.encode(), b"")
    assert filtered(MESSY, "--check").returncode == 1
    assert filtered(TIDY, "--check").returncode == 0
    assert b"+a = 1  # one" in filtered(MESSY, "--diff").stdout


@pytest.mark.parametrize(("text", "code"), [(BROKEN, b"E0002"), (b"a = \xff\n", b"E0602")])
def test_standard_input_with_errors_gives_nothing(text: str | bytes, code: bytes) -> None:
    done = filtered(text)
    assert (done.returncode, done.stdout) == (1, b"")
    assert code in done.stderr and b"<stdin>:1" in done.stderr


@pytest.mark.parametrize("blank", (b"", b"\n", b" \n\t\r\n", b"\xef\xbb\xbf"))
def test_a_blank_file_is_left_as_it_is(folder: Path, blank: bytes) -> None:
    (folder / "blank.enig").write_bytes(blank)
    done = enig("fmt", ".", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "1 file formatted, 2 files unchanged\n")
    assert (folder / "blank.enig").read_bytes() == blank
    assert enig("fmt", "--check", "blank.enig", cwd=folder).returncode == 0
    piped = filtered(blank)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, blank, b"")


def test_wrong_usage(folder: Path) -> None:
    assert enig("fmt", cwd=folder).returncode == 2
    assert enig("fmt", "-", "messy.enig", cwd=folder).returncode == 2
    missing = enig("fmt", "nowhere.enig", cwd=folder)
    assert missing.returncode == 1 and "E0601" in missing.stderr


def test_the_examples_and_the_library_are_formatted() -> None:
    done = enig("fmt", "--check", "examples", "stdlib", cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")
    assert len(EXAMPLES) > 5
