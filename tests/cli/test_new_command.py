"""`enig new`: a project whose own commands run, and names that are refused."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from run_support import ROOT, enig

PROMISED = [["check", "."], ["test", "."], ["run", "demo.enig"], ["fmt", "--check", "."]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project made by the command."""
    folder = tmp_path_factory.mktemp("projects")
    done = enig("new", "my-survey", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "my-survey/", "  README.md", "  demo.enig", "  my_survey.enig", "  my_survey_test.enig",
    ]
    return folder / "my-survey"


def commands_of(readme: str) -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    return [line.split("#")[0].split()[1:] for block in blocks for line in block.splitlines()]


def test_the_files_carry_the_names(project: Path) -> None:
    assert "contract MySurvey:" in (project / "my_survey.enig").read_text()
    assert "from my_survey import MySurvey" in (project / "my_survey_test.enig").read_text()
    for path in project.iterdir():
        assert "template" not in path.read_text().lower()


def test_the_readme_promises_commands(project: Path) -> None:
    assert commands_of((project / "README.md").read_text()) == [
        ["check", "."], ["test", "."], ["run", "demo.enig"], ["fmt", "."],
    ]


@pytest.mark.parametrize("arguments", PROMISED, ids=" ".join)
def test_the_commands_run(project: Path, arguments: list[str]) -> None:
    done = enig(*arguments, cwd=project)
    assert done.returncode == 0, done.stderr
    if arguments[0] == "run":
        expected = re.findall(r"^# expect: (.*)$", (project / "demo.enig").read_text(), re.MULTILINE)
        assert done.stdout.splitlines() == expected != []
    if arguments[0] == "test":
        assert done.stdout.splitlines()[-1] == "2 passed"


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "poll").mkdir()
    (tmp_path / "poll" / "notes").write_text("mine")
    done = enig("new", "poll", cwd=tmp_path)
    assert done.returncode == 1
    assert "poll exists already" in done.stderr
    assert [path.name for path in (tmp_path / "poll").iterdir()] == ["notes"]


def test_the_parent_must_exist(tmp_path: Path) -> None:
    done = enig("new", "nowhere/poll", cwd=tmp_path)
    assert done.returncode == 1
    assert "nowhere does not exist" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "cannot be"),
        ("9lives", "a letter first"),
        ("two words", "letters a-z"),
        ("poll_", "letters a-z"),
        ("über", "letters a-z"),
        ("..", "letters a-z"),
        ("x" * 61, "at most 60"),
        ("private", "`private` is a word of the language"),
        ("true", "`True` is a word of the language"),
        ("l", "`L` is a word of the language"),
        ("stats", "standard library"),
        ("demo", "demo.enig"),
    ],
)
def test_bad_names(tmp_path: Path, name: str, says: str) -> None:
    done = enig("new", name, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_carries_the_templates(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    here = ROOT / "enigmalang" / "cli" / "templates"
    assert {f"enigmalang/cli/templates/{path.name}" for path in here.iterdir()} <= names
