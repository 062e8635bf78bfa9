"""`enig explain CODE`: the page on a diagnostic code; without a code the list of all."""

import sys

import click


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain a diagnostic code, such as E0301; without a code list them all."""
    from enigmalang.diagnostics.codes import CODES
    from enigmalang.diagnostics.explain import explain, suggestion
    from enigmalang.diagnostics.render import shown

    if code is None:
        for row in CODES.values():
            print(f"{row.code}  {row.title}")
        return 0
    page = explain(code)
    if page is None:
        print(f"enig: {suggestion(code)}", file=sys.stderr)
        return 1
    sys.stdout.write(shown(page))  # that of E0015 has what a terminal must not see
    return 0
