"""Random contracts on the EVM and in the interpreter: the same results, state, events and reverts."""

from pathlib import Path

import pytest
from generate_contracts import ARGUMENTS, contracts
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from twin import Twin

from enigmalang.compiler import compile_file
from enigmalang.diagnostics import Sink


# py-evm and the interpreter raise the recursion limit when they are first used.
@pytest.mark.filterwarnings("ignore:The recursion limit")
@settings(max_examples=3, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
@given(contracts(), st.data())
def test_the_evm_does_what_the_interpreter_does(tmp_path_factory, source: str, data) -> None:  # type: ignore[no-untyped-def]
    path = Path(tmp_path_factory.getbasetemp()) / "random.enig"
    path.write_text(source, "utf-8")
    plan = compile_file(str(path), Sink())
    if plan is None:  # a constant that overflows, say
        return
    note(source)
    twin = Twin(plan, "Random")
    for _ in range(8):
        name = f"f{data.draw(st.integers(0, 3))}"
        twin.call(name, *data.draw(ARGUMENTS))
    twin.check_state()
