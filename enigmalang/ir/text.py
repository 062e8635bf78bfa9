"""The text form of the IR: printing and parsing in one place to import from."""

from enigmalang.ir.parser import NOWHERE, parse_program
from enigmalang.ir.printer import format_ir_type, format_type, print_function, print_program
from enigmalang.ir.tokens import ParseError

__all__ = [
    "NOWHERE", "ParseError", "format_ir_type", "format_type", "parse_program", "print_function", "print_program",
]
