"""`enig new NAME`: a project that works from the start."""

import os
import re
import sys
from pathlib import Path

import click

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")
_DATABASES = frozenset({"L", "DHT", "MPC"})
_LONGEST = 60


class BadName(Exception):
    """A name that no project can have."""


@click.command("new")
@click.argument("name")
def command(name: str) -> int:
    """Begin a project: the folder NAME with a contract, its tests, a script and a README.

    \b
    enig new survey
    cd survey
    enig test .

    NAME may be a path to a folder that does not exist yet; its last part names the contract's file and, as
    `my_survey` gives `MySurvey`, the contract.
    """
    folder = Path(name)
    try:
        module, contract = _names(folder.name)
    except BadName as error:
        raise click.UsageError(str(error), click.get_current_context()) from None
    files = {path.name: path.read_text("utf-8") for path in sorted(_TEMPLATES.iterdir()) if path.is_file()}
    try:
        folder.mkdir()
        for file, text in files.items():
            (folder / _named(file, module, contract)).write_text(_named(text, module, contract), "utf-8")
    except FileExistsError:
        return _fail(f"{folder} exists already; choose another name, or remove it")
    except FileNotFoundError:
        return _fail(f"{folder.parent} does not exist; make that folder first")
    except OSError as error:
        return _fail(f"{folder} cannot be made: {error.strerror or error}")
    _say(folder, module, contract)
    return 0


def _names(name: str) -> tuple[str, str]:
    """The module and the contract of a project. Raises BadName."""
    from enigmalang.source.shipped import shipped
    from enigmalang.syntax.words import RESERVED

    if not name or len(name) > _LONGEST or _NAME.fullmatch(name) is None:
        raise BadName(
            f"{name!r} cannot be a project's name: take at most {_LONGEST} letters a-z, digits, and `-` or `_` between "
            "them, a letter first, such as `my_survey`"
        )
    module = name.replace("-", "_")
    contract = "".join(part[0].upper() + part[1:] for part in module.split("_"))
    if module in RESERVED or contract in RESERVED or contract in _DATABASES:
        word = module if module in RESERVED else contract
        raise BadName(f"{name!r} cannot be a project's name: `{word}` is a word of the language")
    if any(path.stem == module for path in shipped("stdlib").iterdir()):
        raise BadName(f"{name!r} cannot be a project's name: the standard library has a module `{module}`")
    if module == "demo":
        raise BadName("'demo' cannot be a project's name: its script is called `demo.enig`")
    return module, contract


def _named(text: str, module: str, contract: str) -> str:
    """`text` of a template, which is a working program itself, under the names of the project."""
    return text.replace("template", module).replace("Template", contract)


def _fail(message: str) -> int:
    print(f"enig new: {message}", file=sys.stderr)
    return 1


def _say(folder: Path, module: str, contract: str) -> None:
    print(f"{folder}{os.sep}")
    for path in sorted(folder.iterdir()):
        print(f"  {path.name}")
    print(f"\nTry:  cd {folder} && enig test . && enig run demo.enig", file=sys.stderr)
