"""`enig compile`: what comes out, where it goes, and the client module at work with web3 alone."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from run_support import ROOT
from twin import plan_of

from enigmalang.chain.python_client import python_module
from enigmalang.chain.vyper import compile_contract
from enigmalang.cli.app import run

TOKEN = str(ROOT / "examples" / "token.enig")
FEATURES = Path(__file__).parent / "contracts" / "features.enig"


def test_vyper_comes_with_its_line_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", TOKEN, "--to", "vyper"]) == 0
    shown = capsys.readouterr().out
    assert "def fulfil_pay(" in shown and "# token.enig:29" in shown
    assert run(["compile", TOKEN, "--to", "vyper", "-o", str(tmp_path / "T.vy")]) == 0
    assert (tmp_path / "T.vy").read_text("utf-8") == shown
    table = json.loads((tmp_path / "T.lines.json").read_text("utf-8"))
    assert all(path.endswith("token.enig") for path, _, _ in table.values())


def test_abi_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", TOKEN, "--contract", "Token", "--to", "abi"]) == 0
    names = {entry.get("name") for entry in json.loads(capsys.readouterr().out)}
    assert {"request_pay", "fulfil_pay", "supply", "has_balance", "Issued", "version"} <= names


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", TOKEN, "--contract", "Coin", "--to", "abi"]) == 2
    assert run(["compile", str(ROOT / "examples" / "hello.enig"), "--to", "abi"]) == 2
    (tmp_path / "v.enig").write_text("contract C:\n    version: uint8\n    def f():\n        version = 1\n", "utf-8")
    assert run(["compile", str(tmp_path / "v.enig"), "--to", "vyper"]) == 1
    assert "E0805" in capsys.readouterr().err


def module_of(text: str, folder: Path) -> ModuleType:
    path = folder / "client_of_features.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location("client_of_features", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["client_of_features"] = module
    spec.loader.exec_module(module)
    return module


def test_the_client_module_is_typed_and_complete(tmp_path: Path) -> None:
    plan = plan_of(FEATURES)
    made = compile_contract(plan, "Features")
    text = python_module(plan, [("Features", made.compiled, made.generated.tracked)])
    module = module_of(text, tmp_path)
    client = module.Features
    for name in ("deploy", "in_place", "pay", "known", "moved_events", "bal", "has_bal", "corner"):
        assert callable(getattr(client, name))
    assert [m.name for m in module.Phase] == ["Open", "Shut"]
    assert module.Point(1, 2).y == 2
    assert client.known.__annotations__ == {"who": str, "x": int, "return": tuple[bool, bool, int]}
