"""The extension for VS Code: its manifest, the generated files, its scopes, and the client that is built with npm.

What needs npm runs in one test, on a copy of the folder: the packages are fetched once.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String

from editors.vscode import generate
from enigmalang.diagnostics import Sink
from enigmalang.source import SourceFile
from enigmalang.syntax.parser import parse
from enigmalang.syntax.pygments_lexer import EnigmaLexer
from enigmalang.syntax.terminals import word_terminals
from enigmalang.syntax.words import BLOCK_WORDS, FUNCTIONS, RESERVED, SIZED_TYPES, TYPES, VALUES

ROOT = Path(__file__).parents[2]
VSCODE = ROOT / "editors" / "vscode"
FOLDERS = ("examples", "stdlib", "tests/syntax/golden", "tests/programs/run")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.enig"))
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH")
#: Of the first part of a scope (after `.` the second), to what a reader calls it.
SCOPES = {
    "keyword.operator.word": "keyword",
    "keyword.operator": "operator",
    "keyword": "keyword",
    "storage.type.string": "string",
    "storage": "keyword",
    "constant.language": "keyword",
    "constant.numeric": "number",
    "constant.character.escape.line": "space",
    "constant.character.escape": "string",
    "string": "string",
    "punctuation.definition.string": "string",
    "punctuation": "operator",
    "comment": "comment",
    "entity.name.function.decorator": "keyword",
    "entity": "name",
    "support": "name",
    "variable": "name",
}


def manifest() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VSCODE / "package.json").read_text("utf-8"))
    return loaded


def committed() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "editors"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return (ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file())


# ------------------------------------------------------------------------------------------------- without npm


def test_generated_files_are_not_stale() -> None:
    for path, text in generate.files().items():
        assert path.read_text("utf-8") == text, f"{path.name}: run python editors/vscode/generate.py"


def test_check_tells_a_stale_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert "is stale" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 0


def test_the_manifest_names_what_exists() -> None:
    package = manifest()
    contributes = package["contributes"]
    (language,), (grammar,) = contributes["languages"], contributes["grammars"]
    assert language["extensions"] == [".enig"]
    assert (VSCODE / language["configuration"]).is_file()
    assert grammar["language"] == language["id"]
    assert json.loads((VSCODE / grammar["path"]).read_text("utf-8"))["scopeName"] == grammar["scopeName"]
    for name in package["files"]:
        assert name.startswith("dist/") or (VSCODE / name).exists(), name
    for script in re.findall(r"(?:src|test)/[\w.]+", " ".join(package["scripts"].values())):
        assert (VSCODE / script).is_file(), script


def test_settings_and_commands_are_those_of_the_client() -> None:
    package = manifest()["contributes"]
    client = (VSCODE / "src" / "extension.ts").read_text("utf-8")
    assert {command["command"] for command in package["commands"]} == set(
        re.findall(r'registerCommand\("([\w.]+)"', client)
    )
    server = {name.removeprefix("enigma.server.") for name in package["configuration"]["properties"]}
    asked = dict(re.findall(r'get<[^>]+>\("(\w+)", (.+?)\);', client))
    assert server - {"enigma.trace.server"} == set(asked)
    for name, default in asked.items():
        assert package["configuration"]["properties"][f"enigma.server.{name}"]["default"] == json.loads(default)


def test_every_word_has_its_rule() -> None:
    """Each word of the language stands in the grammar (no stale one does: the file is what would be written)."""
    text = (VSCODE / "syntaxes" / "enigma.tmLanguage.json").read_text("utf-8")
    patterns = "\n".join(_patterns(json.loads(text))).replace(r"\b", " ").replace("blocks?", "block|blocks")
    spelled = set(re.findall(r"\w+", patterns))
    soft = {word.removeprefix("@") for terminal in word_terminals().values() for word in terminal.words}
    assert RESERVED | soft | FUNCTIONS | VALUES | TYPES | SIZED_TYPES <= spelled


def _patterns(rule: Any) -> Iterator[str]:
    if isinstance(rule, dict):
        for key, value in rule.items():
            if key in ("match", "begin", "end"):
                yield value
            else:
                yield from _patterns(value)
    elif isinstance(rule, list):
        for item in rule:
            yield from _patterns(item)


def test_headers_indent_and_leaving_outdents() -> None:
    rules = json.loads((VSCODE / "language-configuration.json").read_text("utf-8"))
    header, leaving = (re.compile(rule["beforeText"]) for rule in rules["onEnterRules"])
    for word in BLOCK_WORDS:
        assert header.search(f"    {word} x:  # why")
    assert not header.search("    price: uint8")
    assert not header.search("    forms:")
    assert leaving.search("        return x") and not leaving.search("    returned = 1")
    outdents = re.compile(rules["indentationRules"]["decreaseIndentPattern"])
    assert outdents.search("    else:") and outdents.search("elif x:") and not outdents.search("elsewhere:")


def test_nothing_of_a_registry_is_kept() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in committed()]
    assert "editors/vscode/package.json" in names
    assert not [name for name in names if "node_modules" in name or name.endswith(("package-lock.json", ".vsix"))]
    kept = [path.read_text("utf-8") for path in committed()]
    assert not [text for text in kept if '"resolved"' in text or "registry=" in text]


# ---------------------------------------------------------------------------------------------------- with npm


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A copy of the extension, with its packages and its bundle."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed on this machine: the extension is not built")
    folder = tmp_path / "vscode"
    shutil.copytree(VSCODE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "__pycache__", "*.vsix"))
    installed = run(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts",
                    "--fetch-retries=1")  # fmt: skip
    if installed.returncode and NO_NETWORK.search(installed.stderr):
        pytest.skip("the npm registry cannot be reached: the extension is not built")
    assert installed.returncode == 0, installed.stderr
    done = run(folder, "npm", "run", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_builds_and_scopes_agree_and_the_client_starts_the_server(built: Path) -> None:
    assert (built / "dist" / "extension.js").stat().st_size < 1_000_000
    scopes_agree(built)
    editor_shows_what_the_server_finds(built)
    editor_says_what_does_not_start(built)


def editor_shows_what_the_server_finds(built: Path) -> None:
    """The real client beside a stand-in for the editor, and the real server."""
    leak = built / "leak.enig"
    leak.write_text("private a = 41\nprint(a)\n", "utf-8")
    done = run(built, "node", "test/starts.cjs", str(leak), str(Path(sys.executable).with_name("enig")), "lsp")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "`a` is private" in done.stdout
    assert "reveal(" in done.stdout


def editor_says_what_does_not_start(built: Path) -> None:
    done = run(built, "node", "test/starts.cjs", str(built / "leak.enig"), "no-such-program", "lsp")
    assert done.returncode == 1
    assert "`no-such-program lsp` does not start" in done.stdout
    assert "enigma.server.command" in done.stdout


def scopes_agree(built: Path) -> None:
    """What VS Code's own tokenizer makes of every program is what the Pygments lexer makes of it."""
    sound = [path for path in FILES if parse(SourceFile(str(path), path.read_text("utf-8")), Sink()) is not None]
    assert len(sound) > 50
    done = run(built, "node", "test/scopes.mjs", *map(str, sound))
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        found = json.loads(line)
        path = Path(found["file"])
        text = path.read_text("utf-8")
        expected = by_character((o, piece, lexed(kind)) for o, kind, piece in lex(text))
        got = by_character((o, piece, scoped(scopes)) for o, piece, *scopes in found["tokens"])
        for offset in sorted(expected.keys() | got.keys()):
            row = text.count("\n", 0, offset) + 1
            place = f"{path.relative_to(ROOT)}:{row}: {text.splitlines()[row - 1]!r}, at {text[offset:offset + 12]!r}"
            assert got.get(offset) == expected.get(offset), place


def lex(text: str) -> Iterator[tuple[int, object, str]]:
    return EnigmaLexer().get_tokens_unprocessed(text)


def by_character(pieces: Iterator[tuple[int, str, str]]) -> dict[int, str]:
    """The class of each character that is no space."""
    return {
        offset + index: kind
        for offset, piece, kind in pieces
        for index, char in enumerate(piece)
        if not char.isspace() and kind != "space"
    }


def scoped(scopes: list[str]) -> str:
    last = scopes[-1] if scopes else "none"
    return next((kind for scope, kind in SCOPES.items() if last.startswith(scope)), last)


def lexed(kind: object) -> str:
    if kind in Keyword.Type or (kind in Name and kind not in Name.Decorator):
        return "name"
    if kind in Name.Decorator or kind in Keyword or kind in Operator.Word:
        return "keyword"
    if kind in Operator or kind in Punctuation:
        return "operator"
    return next((name for parent, name in ((Number, "number"), (String, "string"), (Comment, "comment"))
                 if kind in parent), "space")  # fmt: skip
