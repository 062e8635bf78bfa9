"""What programs cost, before anyone runs them on secrets: `cost_of` a function, `cost_of_program` for a file's run.

The numbers are counted, not estimated: the nodes' own code (`node.session`, `mpc`) runs between threads of this
process, on zeros where a program has secrets, and its counters are read. So they cannot differ from what
`enig run --stats` measures.
"""

from enigmalang.node.costing.cost import LINKS, Cost, LineCost, Link, parse_link
from enigmalang.node.costing.functions import cost_of, cost_of_program, priced_functions, unknown_lets
from enigmalang.node.costing.unknown import BadLet, Missing

__all__ = [
    "LINKS", "BadLet", "Cost", "LineCost", "Link", "Missing", "cost_of", "cost_of_program", "parse_link",
    "priced_functions", "unknown_lets",
]
