"""The canonical layout of source, as `enig fmt` and editors write it.

Built on lexemes, not on the tree: comments, the author's blank lines and how numbers are written are not in the tree.
`lexing` cuts a file into statements and comments, `nodes` has a statement's lexemes as a tree of brackets, `spacing`
says what stands between two of them, `breaking` lays one statement out over lines (`operators`: where), `headers` and
`blank_lines` are about blocks and empty lines, `columns` about what stands below each other; `layout` puts the file
together, `check` holds the result against the tree, `stretches` keeps what did not change.
"""

from enigmalang.syntax.formatting.check import Refused, format_source
from enigmalang.syntax.formatting.layout import layout
from enigmalang.syntax.formatting.stretches import Layouts

__all__ = ["Layouts", "Refused", "format_source", "layout"]
