"""The README names every command, only commands and options that exist, and its programs do what it says."""

import re
import shlex
from pathlib import Path

import click
from run_support import ENGINES, EXAMPLES, ROOT, Bench

from enigmalang.cli.app import COMMANDS, enig

TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", TEXT, re.DOTALL | re.MULTILINE)
SHELL = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
#: Commands in the text: what stands in backticks, perhaps over two lines, and begins with `enig`.
PROSE = [" ".join(text.split()) for text in re.findall(r"`(enig [a-z][^`]*)`", TEXT)]


def named(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that `words` call (the last of several, `info|eval|run`), and those of the words that are options."""
    context = click.Context(enig)
    group: click.Command = enig
    command = group
    while isinstance(group, click.Group) and words and not words[0].startswith("-"):
        for name in words[0].split("|"):
            found = group.get_command(context, name)
            assert found is not None, f"no command {name}"
            command = found
        group = command
        words = words[1:]
    given = words[: words.index("--")] if "--" in words else words
    return command, [word for word in given if re.match(r"--?[a-z]", word)]


def calls() -> list[list[str]]:
    """The words of every call of `enig` in the README."""
    lines = [part for line in SHELL for part in re.split(r"\$\(|\||&&|;", line)]
    return [words[1:] for line in [*lines, *PROSE]
            if (words := shlex.split(line.replace("'", "").replace('"', ""))) and words[0] == "enig" and words[1:]]


def test_every_command_is_named() -> None:
    assert set(COMMANDS) == {words[0] for words in calls() if words[0] in COMMANDS}


def test_commands_and_options_that_are_named_exist() -> None:
    found = [(words, *named(words)) for words in calls()]
    assert len(found) > 70
    for words, command, options in found:
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert set(options) <= known | {"-h", "--help"}, words


def test_programs_print_what_is_said(bench: Bench, tmp_path: Path) -> None:
    programs = [block for _, block in BLOCKS if "# prints:" in block]
    assert programs
    for number, text in enumerate(programs):
        path = tmp_path / f"program{number}.enig"
        path.write_text(text)
        said = [f"{line}\n" for line in re.findall(r"# prints: (.*)$", text, re.MULTILINE)]
        for engine in ENGINES:
            assert bench.run(path, engine) == "".join(said)


def test_the_first_program_is_the_example() -> None:
    example = next(path for path in EXAMPLES if path.stem == "hello").read_text("utf-8")
    (shown,) = [block for _, block in BLOCKS if block.startswith("private a = 41")]
    for line in shown.splitlines():
        assert line.split("#")[0].strip() in example
