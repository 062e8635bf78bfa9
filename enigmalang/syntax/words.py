"""The words of the language, and the limits of its texts."""

#: Words that are never names. The terminal NAME of the grammar excludes the same ones (tests compare the two).
RESERVED = frozenset(
    {
        "and", "as", "assert", "await", "break", "const", "continue", "def", "elif", "else", "emit",
        "for", "from", "if", "import", "in", "not", "or", "pass", "private", "raise", "require", "return",
        "while", "True", "False",
    }
)  # fmt: skip

#: Reserved words that begin a statement, so that none of them can stand inside a bracket.
STATEMENT_WORDS = frozenset(
    {
        "assert", "break", "const", "continue", "def", "elif", "emit", "import", "pass", "raise",
        "require", "return", "while",
    }
)  # fmt: skip

#: Words that open a block when they begin a line that ends in `:`.
BLOCK_WORDS = frozenset(
    {
        "if", "elif", "else", "for", "while", "as", "expect", "contract", "struct", "enum", "interface",
        "predicate", "def", "test", "internal", "view", "payable",
    }
)  # fmt: skip

#: What begins the line above a function that says what it may cost.
BUDGET = "@budget"

#: Functions, values and types of the language: names that a program may give another meaning, some of them.
#: Highlighting needs them without the checker, whose tables and rules tests compare with these.
FUNCTIONS = frozenset(
    {
        "abs", "after", "all", "any", "array", "at_least", "before", "clamp", "enumerate", "filter", "input", "len",
        "map", "max", "members", "min", "only", "print", "range", "reveal", "reversed", "send", "shared_identity",
        "sorted", "sum", "wrap", "zip",
    }
)  # fmt: skip
VALUES = frozenset(
    {"sender", "self", "value", "now", "block", "owner", "anyone", "only_compute", "L", "DHT", "MPC"}
)  # fmt: skip
TYPES = frozenset({"bool", "fixed", "address", "string", "bytes", "identity", "predicate", "list", "map"})
#: `uint8` … `uint256` and `int8` … `int256` in steps of 8, `bytes1` … `bytes32`.
SIZED_TYPES = frozenset(
    {
        *(f"{sign}{bits}" for sign in ("uint", "int") for bits in range(8, 257, 8)),
        *(f"bytes{size}" for size in range(1, 33)),
    }
)  # fmt: skip

#: What one of each unit is worth, in wei or in seconds.
UNITS = {
    "wei": 1,
    "gwei": 10**9,
    "ether": 10**18,
    "seconds": 1,
    "minutes": 60,
    "hours": 3600,
    "days": 86400,
}
TIME_UNITS = frozenset({"seconds", "minutes", "hours", "days"})

#: Characters of one file.
MAX_FILE = 250_000
#: Blocks in blocks (an `elif` counts as one), and parts of an expression in one another.
MAX_BLOCKS = 100
MAX_NESTING = 100
#: Syntax errors told in one go.
MAX_ERRORS = 50
