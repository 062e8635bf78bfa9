"""The editor's benchmark, with a small file."""

from benchmarks.lsp import lsp_table, measure_lsp


def test_diagnostics_that_come_before_an_answer_are_not_waited_for_again() -> None:
    """In a small file each hover after a change comes after the change's diagnostics."""
    changes = 3
    found = {a.name: len(a.cpu) for a in measure_lsp(4, changes)}
    assert found["open, diagnostics"] == 1
    assert found["change, diagnostics"] == found["hover after a change"] == changes
    assert found["hover"] == changes + 1


def test_the_table_names_the_lines_of_the_file() -> None:
    assert lsp_table([]).startswith("enig lsp, 1,998 lines")
    assert lsp_table([], 4).startswith("enig lsp, 36 lines")
