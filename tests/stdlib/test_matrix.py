"""Matrices on every engine, against NumPy."""

from pathlib import Path

import numpy as np
import pytest
from run_support import ENGINES, Bench

PROGRAM = """
from matrix import matmul, shaped, transpose
private a: int8[2, 3] = [[1, -2, 3], [4, 5, -6]]
private b: int8[3, 2] = [[7, 8], [-9, 10], [11, 12]]
private xs: list[int8, 10] = [1, 2, 3, 4, 5, 6, 7]
print(reveal(matmul(a, b)))
print(reveal(transpose(a)))
print(reveal(shaped(xs, 3)))
"""
A, B = np.array([[1, -2, 3], [4, 5, -6]]), np.array([[7, 8], [-9, 10], [11, 12]])


@pytest.mark.parametrize("engine", ENGINES)
def test_matrices(bench: Bench, tmp_path: Path, engine: str) -> None:
    path = tmp_path / "m.enig"
    path.write_text(PROGRAM)
    printed = bench.run(path, engine).splitlines()
    assert printed == [str((A @ B).tolist()), str(A.T.tolist()), "[[1, 2, 3], [4, 5, 6]]"]


@pytest.mark.parametrize(("product", "way_out"), [
    ("matmul([[1, 2], [3, 4]], [[1, 2], [3, 4]])", "types that say their rows and columns"),
    ("matmul(a, [7, 8, 9])", "types that say their rows and columns"),
    ("matmul(a, a)", "the columns of the first must be as many as the rows of the second")])
def test_what_cannot_be_multiplied(bench: Bench, tmp_path: Path, product: str, way_out: str) -> None:
    path = tmp_path / "m.enig"
    path.write_text(f"{PROGRAM}x = {product}\n")
    with pytest.raises(AssertionError, match=way_out):
        bench.plan(path)
