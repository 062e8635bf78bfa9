"""Names and types: a parsed file becomes a checked program, with tables beside the tree (see model.py)."""

from enigmalang.semantics.check import check
from enigmalang.semantics.loader import FileLoader, Loader, TextLoader
from enigmalang.semantics.model import Checked

__all__ = ["Checked", "FileLoader", "Loader", "TextLoader", "check"]
