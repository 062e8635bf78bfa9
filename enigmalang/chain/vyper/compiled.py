"""From a plan to deployable code: generated source through the Vyper compiler, its refusals brought back to `.enig`."""

import re
import warnings
from dataclasses import dataclass

from enigmalang.chain.compiling import CODE_LIMIT, EVM, Compiled, CompileError
from enigmalang.chain.vyper.contract import Generated, generate
from enigmalang.chain.vyper.linking import compile_linked
from enigmalang.diagnostics import Diagnostic, EnigmaError, Note
from enigmalang.plan.codec import hash_plan
from enigmalang.plan.plan import Plan
from enigmalang.source import Span

#: Bytes that a contract's own code ends with, and that Vyper does not count: HUB and CREATOR.
IMMUTABLES = 64
_SHOWN = 8


@dataclass(frozen=True)
class Deployable:
    """A contract's generated source and its code."""

    generated: Generated
    compiled: Compiled


def compile_contract(plan: Plan, name: str) -> Deployable:
    """Generate and compile a contract. Raises EnigmaError: E0801…E0805 of `generate`, E0806 when the code is larger
    than EIP-170 allows, E0807 when Vyper refuses the source."""
    generated = generate(plan, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Vyper's of EIP-170: E0806 says more
            compiled = compile_linked(generated.source, name, hash_plan(plan))
    except CompileError as error:
        raise EnigmaError(_refused(plan, generated, error)) from None
    size = len(compiled.runtime) + IMMUTABLES
    if size > CODE_LIMIT:
        raise EnigmaError(_too_large(plan, generated, size))
    return Deployable(generated, compiled)


def place(plan: Plan, generated: Generated, line: int | None) -> Span:
    """The `.enig` place of a generated line: its own, or that of the nearest statement before it."""
    for number in range(line or 0, 0, -1):
        if number in generated.lines:
            return generated.lines[number]
    return plan.contracts[generated.name].span


def _refused(plan: Plan, generated: Generated, error: CompileError) -> Diagnostic:
    span = place(plan, generated, error.line)
    rows = generated.source.split("\n")
    shown = rows[error.line - 1].split("  # ")[0].strip() if error.line else ""
    help = f"it became `{shown}`: write the line in another way" if shown else "write it in another way"
    if "stack" in error.text.lower() and "deep" in error.text.lower():
        help = "too many values are in use at once: split the function"
    return Diagnostic("E0807", f"Vyper refuses this: {error.text.splitlines()[0]}", span, (), help)


def _too_large(plan: Plan, generated: Generated, size: int) -> Diagnostic:
    found = sorted(function_sizes(generated).items(), key=lambda pair: -pair[1][0])[:_SHOWN]
    notes = tuple(Note(place(plan, generated, line), f"`{name}`: {bytes_:,} bytes") for name, (bytes_, line) in found)
    sizes = ", ".join(f"{name} {bytes_:,}" for name, (bytes_, _) in found)
    return Diagnostic(
        "E0806", f"the code of {generated.name} has {size:,} bytes, and the chain takes {CODE_LIMIT:,} (EIP-170): "
        f"{sizes}",
        plan.contracts[generated.name].span, notes,
        "make the greatest functions smaller, or split the contract in two that call each other")


def function_sizes(generated: Generated) -> dict[str, tuple[int, int]]:
    """About how many bytes each function of the source becomes, and the line it begins at."""
    from vyper import compile_code
    from vyper.compiler.settings import OptimizationLevel, Settings

    settings = Settings(evm_version=EVM, optimize=OptimizationLevel.CODESIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = compile_code(generated.source, settings=settings, output_formats=("source_map_runtime",))
    positions = found["source_map_runtime"]["pc_pos_map"]
    starts = [(n, m[1]) for n, text in enumerate(generated.source.split("\n"), 1)
              if (m := re.match(r"def (\w+)", text)) is not None]
    sizes: dict[str, tuple[int, int]] = {name: (0, line) for line, name in starts}
    places = sorted((int(pc), pos[0]) for pc, pos in positions.items() if pos is not None)
    for (pc, line), (after, _) in zip(places, [*places[1:], (places[-1][0] + 1, 0)], strict=True):
        owner = next(((n, start) for start, n in reversed(starts) if start <= line), None)
        if owner is not None:
            name, start = owner
            sizes[name] = (sizes[name][0] + after - pc, start)
    return sizes
