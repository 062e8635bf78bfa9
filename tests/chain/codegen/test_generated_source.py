"""The source itself: golden files, everything compiles, what cannot live on the chain is said at its line."""

from pathlib import Path

import pytest
from twin import plan_of

from enigmalang.chain.vyper import compile_contract, compiled, generate
from enigmalang.chain.vyper.compiled import function_sizes, place
from enigmalang.diagnostics import EnigmaError

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
EXAMPLES = sorted((ROOT / "examples").glob("*.enig"))
PROGRAMS = [p for folder in ("run", "stop") for p in sorted((ROOT / "tests" / "programs" / folder).glob("*.enig"))]
WITH_CONTRACTS = [p for p in EXAMPLES + PROGRAMS if "\ncontract " in "\n" + p.read_text("utf-8", "replace")]
GOLDEN = ("salaries", "auction", "battleship")


@pytest.mark.parametrize("path", WITH_CONTRACTS, ids=lambda p: p.stem)
def test_every_contract_compiles(path: Path) -> None:
    plan = plan_of(path)
    assert plan.contracts
    for name in plan.contracts:
        assert compile_contract(plan, name).compiled.runtime


@pytest.mark.parametrize("name", GOLDEN)
def test_examples_become_readable_source(name: str, golden, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(ROOT)
    plan = plan_of(Path("examples") / f"{name}.enig")
    (contract,) = plan.contracts
    golden(HERE / "golden" / f"{contract}.vy", generate(plan, contract).source)


def test_features_become_readable_source(golden, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(ROOT)
    plan = plan_of(Path("tests/chain/codegen/contracts/features.enig"))
    golden(HERE / "golden" / "Features.vy", generate(plan, "Features").source)


def refused(text: str, tmp_path: Path) -> EnigmaError:
    path = tmp_path / "example.enig"
    path.write_text(text, "utf-8")
    plan = plan_of(path)
    with pytest.raises(EnigmaError) as caught:
        compile_contract(plan, next(iter(plan.contracts)))
    return caught.value


REFUSED = {
    "E0801": ("contract C:\n    n: uint32\n    internal def f(x: uint32) -> uint32:\n        if x == 0: return 0\n"
              "        return f(x - 1) + 1\n    def g(x: uint32):\n        n = f(x)\n", 7),
    "E0802": ("contract C:\n    n: uint256\n    def g(a: string[9], k: uint8):\n        t: string = \"\"\n"
              "        for i in range(k):\n            t = t + a\n        n = len(t)\n", 5),
    "E0803": ("contract C:\n    xs: list[uint32, 9]\n    n: uint32\n    def g():\n        n = sorted(xs)[0]\n", 5),
    "E0804": ("contract C:\n    r: fixed[100, 100]\n    def g():\n        r = r * r\n", 4),
    "E0805": ("contract C:\n    version: uint32\n    def g():\n        version += 1\n", 2),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_live_on_the_chain_is_said_at_its_line(code: str, tmp_path: Path) -> None:
    text, line = REFUSED[code]
    found = refused(text, tmp_path).diagnostic
    assert (found.code, found.span.line) == (code, line)
    assert found.help


@pytest.mark.parametrize(("text", "line"), [
    ("contract C:\n    balance: map[address, uint256]\n    def g():\n        balance[sender] = 1\n", 2),
    ("contract C:\n    n: uint256\n    def code():\n        n = 1\n", 3),
])
def test_what_vyper_lets_every_address_have_is_no_name_of_a_contract(text: str, line: int, tmp_path: Path) -> None:
    found = refused(text, tmp_path).diagnostic
    assert (found.code, found.span.line) == ("E0805", line)


def test_a_contract_too_large_names_its_greatest_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "CODE_LIMIT", 3_000)  # 24,576 take the compiler half a minute
    with pytest.raises(EnigmaError) as caught:
        compile_contract(plan_of(ROOT / "examples" / "vote.enig"), "Vote")
    found = caught.value.diagnostic
    assert found.code == "E0806" and "3,000" in found.message
    assert "fulfil_accepted" in found.message
    assert [n for n in found.notes if "`request_vote`" in n.text and n.span.line == 14]


def test_what_stands_behind_a_contract_s_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain counts the two immutables, Vyper does not."""
    plan = plan_of(ROOT / "examples" / "vote.enig")
    size = len(compile_contract(plan, "Vote").compiled.runtime) + 64
    monkeypatch.setattr(compiled, "CODE_LIMIT", size)
    compile_contract(plan, "Vote")
    monkeypatch.setattr(compiled, "CODE_LIMIT", size - 1)
    with pytest.raises(EnigmaError, match=f"{size:,} bytes"):
        compile_contract(plan, "Vote")


def test_lines_lead_back_to_the_program() -> None:
    plan = plan_of(ROOT / "examples" / "salaries.enig")
    made = generate(plan, "Salaries")
    rows = made.source.split("\n")
    number = next(n for n, row in enumerate(rows, 1) if "append(requester)" in row)
    assert made.lines[number].line == 13
    assert f"# salaries.enig:{13}" in rows[number - 1]
    assert place(plan, made, number).line == 13


def test_sizes_of_functions_add_up() -> None:
    plan = plan_of(ROOT / "examples" / "vote.enig")
    sizes = function_sizes(generate(plan, "Vote"))
    total = len(compile_contract(plan, "Vote").compiled.runtime)
    assert 0.5 * total < sum(size for size, _ in sizes.values()) <= total


