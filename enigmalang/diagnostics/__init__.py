"""Diagnostics: stable codes, the places involved, a way out."""

from enigmalang.diagnostics.diagnostic import Diagnostic, EnigmaError, Note, Severity, Sink

__all__ = ["Diagnostic", "EnigmaError", "Note", "Severity", "Sink"]
