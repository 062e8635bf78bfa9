"""Files that ship with the package: the grammar and the standard library.

A wheel carries them in `enigmalang/_data`; an editable install does not create that folder, and there they stand
in the checkout beside the package.
"""

from pathlib import Path

#: How spans name the files of the standard library, wherever it is installed: plans must not depend on that.
STDLIB = "<stdlib>/"

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(*parts: str) -> Path:
    """The path of a shipped file or folder, such as `shipped("grammar", "enigma.lark")` or `shipped("stdlib")`.

    Raises FileNotFoundError when the installation is incomplete.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        path = base.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)} is missing from this installation of EnigmaLang")


def on_disk(path: str) -> Path:
    """Where the file lies that a span calls `path`."""
    return shipped("stdlib", path.removeprefix(STDLIB)) if path.startswith(STDLIB) else Path(path)
