"""Compiling: the cache, errors at their line, and contracts that fit on a chain."""

import pytest

from enigmalang.chain import compiling
from enigmalang.chain.compiling import CODE_LIMIT, CompileError, compile_source, own_contract

SOURCE = "# pragma version 0.4.3\nimport other\n@external\ndef f() -> uint256:\n    return other.X\n"


def test_our_contracts_fit():
    immutables = 8  # a word each, which Vyper does not count
    assert 0 < len(own_contract("Hub").runtime) + 32 * immutables <= CODE_LIMIT


def test_the_second_time_is_read_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = {"other.vy": "X: constant(uint256) = 1"}
    first = compile_source(SOURCE, "C", one)
    compiled = []
    monkeypatch.setattr(compiling, "_compile", lambda *args: compiled.append(args) or first)
    assert compile_source(SOURCE, "C", one) == first
    assert not compiled
    compile_source(SOURCE, "C", {"other.vy": "X: constant(uint256) = 2"})
    assert len(compiled) == 1


def test_a_broken_cache_is_compiled_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = compile_source(SOURCE, "C", {"other.vy": "X: constant(uint256) = 1"})
    (kept,) = (tmp_path / "enigmalang").glob("vyper-*.json")
    kept.write_bytes(kept.read_bytes()[:100])
    assert compile_source(SOURCE, "C", {"other.vy": "X: constant(uint256) = 1"}) == first


@pytest.mark.parametrize(("source", "line", "word"), [
    ("x: uint256\n\n@external\ndef f():\n    self.y = 1\n", 5, "not been declared"),
    ("x: uint256\ndef f(:\n", 3, "EOF"),
    ("x: uint256 = 1 +\n", 1, "invalid syntax"),
    ("@external\ndef f() -> uint8:\n    return 300\n", 3, "uint8"),
])
def test_an_error_says_where(source, line, word):
    with pytest.raises(CompileError) as caught:
        compile_source(source, "C")
    assert caught.value.line == line
    assert caught.value.module == "C"
    assert word in caught.value.text


def test_an_error_in_a_module_names_it():
    with pytest.raises(CompileError) as caught:
        compile_source(SOURCE, "C", {"other.vy": "X: constant(uint256) = -1"})
    assert (caught.value.module, caught.value.line) == ("other", 1)
