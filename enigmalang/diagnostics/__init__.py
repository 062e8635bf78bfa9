"""Diagnostics: stable codes, the places involved, a way out."""

from enigmalang.diagnostics.codes import CODES, Code
from enigmalang.diagnostics.diagnostic import Diagnostic, Edit, EnigmaError, Fix, Note, OutsideError, Severity, Sink
from enigmalang.diagnostics.render import as_dict, from_disk, from_sources, render, render_json, render_one

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Edit",
    "EnigmaError",
    "Fix",
    "Note",
    "OutsideError",
    "Severity",
    "Sink",
    "as_dict",
    "from_disk",
    "from_sources",
    "render",
    "render_json",
    "render_one",
]
