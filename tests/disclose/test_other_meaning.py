"""Changes that leave the words of a `reveal` as they are, and what it lets out not."""

from pathlib import Path

import pytest
from run_support import enig

CHANGES = {
    "a constant behind a name": ("def f() -> bool:\n    t = {}\n    return reveal(x > t)", "10", "20"),
    "an index": ("def f() -> bool:\n    a = {}\n    return reveal(xs[a] > 1)", "1", "0"),
    "a default": ("def f() -> bool: return reveal(over(x))", "k=3", "k=5"),
    "an imported name": ("def f() -> uint256: return reveal(best(xs))", "argmax", "argmin"),
    "a guard": ("def f() -> bool:\n    least = {}\n    require len(xs) >= least\n    return reveal(x > 1)", "3", "2"),
    "a text with a hash": ("def f() -> uint8: return reveal(x) if len(\"\\\" #\") > {} else 3", "1", "2"),
}
PROGRAM = """from sort import {best} as best
def over(a, {default}):
    return a > k

contract C:
    private x: uint8
    private xs: list[uint8, 9]

    def put(private a: uint8):
        x = a
        xs.append(a)

{body}
"""


def program(path: Path, body: str, changed: str) -> Path:
    lines = "\n".join("    " + line for line in body.replace("{}", changed).splitlines())
    path.write_text(PROGRAM.format(best=changed if changed.startswith("arg") else "argmax",
                                   default=changed if changed.startswith("k=") else "k=3", body=lines))
    return path


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_words_with_another_meaning(name: str, tmp_path: Path) -> None:
    body, before, after = CHANGES[name]
    old = program(tmp_path / "old.enig", body, before)
    saved = tmp_path / "old.json"
    saved.write_text(enig("disclose", "--json", str(old)).stdout)
    new = program(tmp_path / "new.enig", body, after)
    for other in (old, saved):
        done = enig("disclose", str(new), "--diff", str(other))
        assert done.returncode == 1, done.stdout + done.stderr
        assert "in the same words, but computed in another way" in done.stdout
    moved = tmp_path / "moved.enig"
    moved.write_text("# moved\n\n" + old.read_text())
    assert enig("disclose", str(moved), "--diff", str(saved)).returncode == 0


def test_the_digest_tells_no_secret(tmp_path: Path) -> None:
    made = []
    for secret in (41, 42):
        path = tmp_path / "secret.enig"
        path.write_text(f"private x: uint8 = {secret}\nprint(reveal(x > 7))\n")
        made.append(enig("disclose", "--json", str(path)).stdout)
    assert made[0] == made[1] and '"made": "' in made[0]
