"""The stage order, one cached result a stage, and a text form of each."""

from enigmalang.compiler.compiler import Compilation, check, compile_file, plan_as_written
from enigmalang.compiler.dump import DUMPS, dump

__all__ = ["DUMPS", "Compilation", "check", "compile_file", "dump", "plan_as_written"]
