"""editors/README.md: its set-up lines are sound where a tool of this machine can tell."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "editors" / "README.md").read_text("utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def test_helix_reads_its_lines() -> None:
    settings = tomllib.loads(block("toml"))
    (language,) = settings["language"]
    assert language["file-types"] == ["enig"]
    (server,) = (settings["language-server"][name] for name in language["language-servers"])
    assert [server["command"], *server["args"]] == ["enig", "lsp"]


@pytest.mark.parametrize("language", ["lua", "vim", "elisp"])
def test_each_editor_starts_the_server(language: str) -> None:
    assert re.search(r"""["']enig["'],? ["']lsp["']""", block(language))


def test_vim_knows_the_files_and_formats_them(tmp_path: Path) -> None:
    vim = shutil.which("vim")
    if vim is None:
        pytest.skip("vim is not installed on this machine")
    settings, draft, said = tmp_path / "vimrc", tmp_path / "draft.enig", tmp_path / "said"
    first = block("vim").splitlines()[0]
    (equal,) = re.findall(r"`:(set equalprg=.*?)`", TEXT)
    settings.write_text(f"set nocompatible\nfiletype on\n{first}\n{equal}\n", "utf-8")
    draft.write_text("x=1\nprint( x )\n", "utf-8")
    done = subprocess.run(
        [vim, "-es", "-u", str(settings), "-c", f"call writefile([&filetype, &shiftwidth, &commentstring], '{said}')",
         "-c", "normal! gg=G", "-c", "wq", str(draft)],
        env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"},
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert said.read_text("utf-8").splitlines() == ["enigma", "4", "# %s"], done.stdout + done.stderr
    assert draft.read_text("utf-8") == "x = 1\nprint(x)\n"
