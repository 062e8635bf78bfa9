"""Compiling a generated contract once for all programs that it is in.

A contract knows the hash of its plan, and the plan is the whole file: with each change of a script, the contract
beside it would be compiled again, which takes seconds. So it is compiled without comments and with another word in
the place of that hash, and the hash is put in afterwards. What comes out is what `vyper --no-bytecode-metadata` makes
of the source as it is shown. (Where the hash has an end for which the compiler writes shorter code, one in a hundred,
that source itself is compiled.)
"""

import re

from enigmalang.chain.compiling import Compiled, compile_source
from enigmalang.ethereum.hashing import keccak256

#: In place of the hash, in source and code.
_PLACE = keccak256(b"enigmalang: the plan's hash goes here")
#: What is before a comment, in or out of quotes, and the comment.
_COMMENT = re.compile(r"""^((?:[^#"]|"(?:[^"\\]|\\.)*")*?)\s*#.*$""")


def compile_linked(source: str, name: str, plan_hash: bytes) -> Compiled:
    """`source` compiled, with the plan's hash in it. Raises CompileError, with lines of `source`."""
    if not _of_full_length(plan_hash):
        return compile_source(_without_comments(source), name, metadata=False)
    found = compile_source(_without_comments(source.replace(plan_hash.hex(), _PLACE.hex())), name, metadata=False)
    codes = (code.replace(_PLACE, plan_hash) for code in (found.init, found.runtime, found.blueprint))
    init, runtime, blueprint = codes
    return Compiled(found.name, init, runtime, found.abi, blueprint)


def _of_full_length(word: bytes) -> bool:
    """Whether the compiler pushes all of its bytes: it leaves leading zeros out, makes others by shifts or `NOT`."""
    return word[0] not in (0, 0xFF) and word[-1] != 0


def _without_comments(source: str) -> str:
    """Lines stay lines. A `#` in a text is in quotes, and quotes are closed on their line."""
    first, *rows = source.split("\n")  # the first says which Vyper this is for
    return "\n".join([first, *(_COMMENT.sub(r"\1", row) for row in rows)])
