"""Source text and places in it."""

from enigmalang.source.source import SourceFile, Span

__all__ = ["SourceFile", "Span"]
