"""The command as users call it: exit status, what goes where, bad input."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from run_support import ROOT, enig

import enigmalang
from enigmalang import cli
from enigmalang.diagnostics.codes import CODES

HELLO = str(ROOT / "examples" / "hello.enig")
HEAVY = ("numpy", "llvmlite", "lark", "rich", "msgspec", "cryptography", "galois", "enigmalang.compiler")


def write(folder: Path, text: str | bytes, name: str = "p.enig") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom enigmalang.cli.app import run\nstatus = run(['--help'])\n"
        f"print('HEAVY', status, [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("HEAVY 0 []\n")
    for command in ("run", "test", "check", "dump", "explain"):
        assert f"  {command} " in done.stdout


def test_version() -> None:
    assert enig("--version").stdout.strip() == f"enig, version {enigmalang.__version__}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", HELLO, "--engine", "magic"],
        ["run", HELLO, "--nodes", "three"],
        ["run", HELLO, "--input", "no-equals-sign"],
        ["run", HELLO, "--input", "a=1", "--input", "a=2"],
        ["run", "--unknown", HELLO],
        ["check"],
        ["dump", "nothing", HELLO],
        ["dump", "ast"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    done = enig(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: enig" in done.stderr or "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_explain() -> None:
    listed = enig("explain")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(CODES)
    page = enig("explain", "e301")
    assert page.returncode == 0
    assert "E0301" in page.stdout
    unknown = enig("explain", "E9999")
    assert unknown.returncode == 1
    assert "E9999" in unknown.stderr


BAD = {
    "empty.enig": (b"", "E0014"),
    "latin.enig": (b'print("\xe9")\n', "E0602"),
    "nul.enig": (b"print(1)\x00\n", "E0004"),
    "big.enig": (b"# " + b"x" * (2 << 20) + b"\n", "E0013"),
    "deep.enig": (b"print(" + b"(" * 1000 + b"1" + b")" * 1000 + b")\n", "E0008"),
    "minus.enig": (b"print(" + b"-" * 5000 + b"1)\n", "E0008"),
    "import.enig": (b"import nowhere\n", "E0103"),
    "leak.enig": (b"private a = 1\nprint(a)\n", "E0301"),
    "name.enig": (b"print(a)\n", "E0101"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["check", "run"])
def test_bad_file(tmp_path: Path, name: str, command: str) -> None:
    data, code = BAD[name]
    done = enig(command, write(tmp_path, data, name))
    assert "Traceback" not in done.stderr
    assert done.returncode == 1, done.stderr
    assert f"error[{code}]" in done.stderr
    assert name in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["check", "run", "test"])
def test_missing_file_and_folder(tmp_path: Path, command: str) -> None:
    missing = enig(command, str(tmp_path / "none.enig"))
    assert missing.returncode == 1
    assert "error[E0601]" in missing.stderr
    folder = enig(command, str(tmp_path))
    assert folder.returncode == 1
    assert "error[E0601]" in folder.stderr


def test_import_cycle(tmp_path: Path) -> None:
    write(tmp_path, "import b\n", "a.enig")
    write(tmp_path, "import a\n", "b.enig")
    done = enig("check", "a.enig", cwd=tmp_path)
    assert done.returncode == 1
    assert "error[E0104]" in done.stderr


def test_file_cut_off_anywhere(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "salaries.enig").read_bytes()
    paths = [write(tmp_path, text[:size], f"cut{size}.enig") for size in range(0, len(text), 61)]
    done = enig("check", *paths, "--json")
    assert done.returncode in (0, 1)
    assert done.stderr == ""
    assert {d["code"] for d in json.loads(done.stdout)} <= set(CODES)


def test_check_json_schema(tmp_path: Path) -> None:
    done = enig("check", write(tmp_path, "private a = 1\nb = a\nprint(b)\n"), "--json")
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)
    assert set(found) == {"code", "severity", "message", "file", "line", "column", "end", "notes", "help", "fixes"}
    assert (found["code"], found["severity"], found["line"]) == ("E0301", "error", 3)
    assert found["file"].endswith("p.enig")
    assert found["end"]["line"] == 3
    assert found["notes"][0]["line"] == 1
    assert "reveal" in found["help"]


def test_warnings_are_of_the_program_alone(tmp_path: Path) -> None:
    """`linear_regression` divides by what may be 0, and says so; that is no business of whoever calls it."""
    path = write(
        tmp_path,
        "from stats import linear_regression\nprivate xs: list[uint8, 9] = [1, 2]\n"
        "print(reveal(linear_regression(xs, xs)[0]), reveal(1 // xs[0]))\n",
    )
    done = enig("check", path)
    assert done.returncode == 0
    assert done.stderr.count("warning[W0406]") == 1
    assert "p.enig:3:" in done.stderr
    assert "stats.enig" not in done.stderr


def test_check_fine() -> None:
    done = enig("check", "examples", "stdlib")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    done = enig("check", "examples/hello.enig", "--json")
    assert (done.returncode, done.stdout) == (0, "[]\n")


@pytest.mark.parametrize("stage", ["tokens", "ast", "types", "secrecy", "ranges", "ir", "plan", "circuit"])
def test_dump(stage: str) -> None:
    done = enig("dump", stage, HELLO)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 2
    assert enig("dump", stage, HELLO).stdout == done.stdout


def test_broken_pipe() -> None:
    code = "from enigmalang.cli import main; main()"
    done = subprocess.run(
        f"'{sys.executable}' -c '{code}' explain | head -n 1", shell=True, capture_output=True, text=True, check=False
    )
    assert re.match(r"E\d{4}  ", done.stdout)
    assert done.stderr == ""


def test_bug_of_ours_is_status_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from enigmalang.cli import app, explain

    def broken() -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(explain.command, "callback", broken)
    monkeypatch.setattr(explain.command, "params", [])
    assert app.run(["explain"]) == 70
    assert "bug in EnigmaLang" in capsys.readouterr().err
    monkeypatch.setenv("ENIG_DEBUG", "1")
    with pytest.raises(KeyError):
        app.run(["explain"])


def test_ctrl_c_while_enig_is_still_loading_says_so(monkeypatch: pytest.MonkeyPatch,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    class Stopped:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "enigmalang.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "enigmalang.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Stopped(), *sys.meta_path])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 130
    assert capsys.readouterr().err == "enig: interrupted\n"


def test_ctrl_c_while_a_class_is_made_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
                                              ) -> None:
    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    class Stopped:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "enigmalang.cli.explain":
                type("Program", (), {"functions": Field()})

    monkeypatch.delitem(sys.modules, "enigmalang.cli.explain", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Stopped(), *sys.meta_path])
    from enigmalang.cli import app

    assert app.run(["explain"]) == 130
    assert capsys.readouterr().err == "enig: interrupted\n"
