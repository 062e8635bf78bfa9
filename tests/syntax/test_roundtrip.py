"""Generated programs: written as source and parsed, a tree is the same tree."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

sys.path.insert(0, str(Path(__file__).parent))

from programs import modules

from enigmalang.diagnostics import Sink, from_sources, render
from enigmalang.source import SourceFile
from enigmalang.syntax.ast import Module
from enigmalang.syntax.parser import parse
from enigmalang.syntax.printer import format_tree
from enigmalang.syntax.unparse import unparse


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(modules)
def test_parse_after_unparse_is_the_identity(module: Module) -> None:
    source, sink = SourceFile("f", unparse(module)), Sink()
    again = parse(source, sink)
    assert again is not None, f"{source.text}\n{render(sink.diagnostics, from_sources(source))}"
    assert format_tree(again, spans=False) == format_tree(module, spans=False), source.text
    assert unparse(again) == source.text
