"""JSON of others is read, or refused: it never ends the process."""

import json
import subprocess
import sys

import pytest

from enigmalang.wire.json_texts import DEEPEST, NestedTooDeeply, read_json


@pytest.mark.parametrize("text", [
    '[[1, 2], {"a": [3]}]', '"[[["', "5", "[" * 3 + "]" * 3, json.dumps(["[" * 20_000, "\\\"[{" * 9_000]),
    json.dumps([[each] for each in range(2 * DEEPEST)]),
], ids=["nested", "string", "number", "lists", "brackets in strings", "many lists"])
def test_what_is_not_deep_is_read(text: str) -> None:
    assert read_json(text) == read_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000, '["",{"a":' * 100_000])
def test_what_is_deep_is_refused_whatever_the_recursion_limit_is(text: str) -> None:
    with pytest.raises(NestedTooDeeply):
        read_json(text)
    code = ("import sys; sys.setrecursionlimit(1_000_000); from enigmalang.wire.json_texts import read_json\n"
            "try: read_json(sys.stdin.read())\nexcept ValueError: print('refused')")
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr


@pytest.mark.parametrize("text", [b"\xff[", "[1", "", "]]]", '"\\'])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_json(text)
