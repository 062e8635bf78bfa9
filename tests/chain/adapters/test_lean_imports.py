"""What is not needed is not imported: each in a Python of its own."""

import subprocess
import sys

import pytest
from run_support import ROOT


def loaded(code: str, *names: str) -> list[str]:
    """Which of `names` are imported after `code`."""
    text = f"{code}\nimport sys\nprint(*[n for n in {names!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_the_embedded_chain_starts_without_pydantic_web3_and_vyper() -> None:
    code = "from enigmalang.node.devchain import DevChain\nDevChain.embedded()"
    assert loaded(code, "eth", "pydantic", "web3", "vyper", "eth_tester", "py_ecc.optimized_bls12_381") == ["eth"]


def test_who_asks_for_the_class_gets_it() -> None:
    code = """
from enigmalang.chain.lean import import_eth_utils
import_eth_utils()
from eth_utils import CamelModel
import eth_utils.pydantic
assert eth_utils.pydantic.CamelModel is CamelModel is eth_utils.CamelModel
try:
    eth_utils.nothing
except AttributeError as error:
    print(error)
"""
    assert loaded(code, "pydantic") == ["pydantic"]


def test_web3_works_beside_it() -> None:
    code = """
from enigmalang.chain.lean import import_eth_utils
import_eth_utils()
from eth_utils import apply_formatters_to_dict
assert apply_formatters_to_dict({"a": int}, {"a": "1"}) == {"a": 1}
from eth_utils import CamelModel
class Named(CamelModel):
    first_name: str
assert apply_formatters_to_dict({"firstName": str.upper}, Named(first_name="x")) == {"firstName": "X"}
"""
    assert loaded(code, "pydantic") == ["pydantic"]


@pytest.mark.parametrize("script", ["print(1 + 1)", "private a = 5\\nprint(reveal(a * 2))"])
def test_a_script_without_ledger_imports_no_chain(script: str, tmp_path: object) -> None:
    path = f"{tmp_path}/plain.enig"
    code = f"""
open({path!r}, "w").write("{script}\\n")
import sys
from enigmalang.cli import main
sys.argv = ["enig", "run", "--engine", "clear", {path!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
"""
    heavy = ("eth", "eth_abi", "eth_utils", "web3", "vyper", "enigmalang.chain.client", "enigmalang.chain.hub",
             "enigmalang.chain.ledger", "enigmalang.chain.embedded", "enigmalang.chain.vyper",
             "enigmalang.node.devchain")
    assert loaded(code, *heavy) == []
