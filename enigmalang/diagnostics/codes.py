"""Every diagnostic code, once: its stable number and what it is about. `pages/` holds a page on each.

A code never changes its meaning and is never used again for another; `W` marks a code that only warns.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from enigmalang.diagnostics.diagnostic import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table: `code` as the user types it after `enig explain`, `title` a short phrase."""

    code: str
    title: str

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.code.startswith("W") else Severity.ERROR


SYNTAX = (
    Code("E0001", "unexpected word or sign"),
    Code("E0002", "bracket not closed, or closed by another kind"),
    Code("E0003", "string not closed"),
    Code("E0004", "character that does not belong in a program"),
    Code("E0005", "tab or wrong indentation"),
    Code("E0006", "the file ends too early"),
    Code("E0007", "colon missing"),
    Code("E0008", "nested too deeply, or a line too long"),
    Code("E0009", "reserved word used as a name"),
    Code("E0010", "syntax of another language"),
    Code("E0011", "statement not allowed here"),
    Code("E0012", "malformed number, unit, string escape or address"),
    Code("E0013", "file too large"),
    Code("E0014", "empty program"),
    Code("E0015", "unseen character"),
)

NAMES = (
    Code("E0101", "unknown name"),
    Code("E0102", "defined twice"),
    Code("E0103", "unknown module"),
    Code("E0104", "modules import each other in a circle"),
    Code("E0105", "name not in that module"),
    Code("E0106", "unknown member"),
    Code("E0107", "used before it has a value"),
    Code("E0108", "assignment to a constant, an import or a function"),
    Code("E0109", "name hides a builtin or the contract's state"),
    Code("E0110", "only for scripts and tests"),
)

TYPES = (
    Code("E0201", "wrong type"),
    Code("E0202", "unknown type"),
    Code("E0203", "wrong number of arguments"),
    Code("E0204", "unknown, repeated or missing argument"),
    Code("E0205", "not a function"),
    Code("E0206", "cannot be indexed or iterated"),
    Code("E0207", "operator does not fit these types"),
    Code("E0208", "`/` on integers"),
    Code("E0209", "literal does not fit its type"),
    Code("E0210", "size is not a positive constant"),
    Code("E0211", "type missing"),
    Code("E0212", "wrong or missing return value"),
    Code("E0213", "`wrap` or `clamp` without a target type"),
    Code("E0214", "type that cannot be private"),
    Code("E0215", "recursion without end"),
    Code("E0216", "`break`, `continue` or `return` outside its place"),
    Code("E0217", "elements of different or unfixed size"),
    Code("E0218", "wrong use of an event, error, struct, enum or interface"),
    Code("E0219", "view function changes state"),
    Code("E0220", "wrong use of `value` or `payable`"),
    Code("E0221", "a constant is needed here"),
    Code("E0222", "type that cannot be a map key"),
)

SECRECY = (
    Code("E0301", "private value in a public place"),
    Code("E0302", "private condition in `require` or `assert`"),
    Code("E0303", "public effect under a private condition"),
    Code("E0304", "`reveal` under a private condition"),
    Code("E0305", "`return`, `break` or `continue` under a private condition"),
    Code("E0306", "private loop bound"),
    Code("E0307", "private `while` without `max`"),
    Code("E0308", "private value stored in public state"),
    Code("E0309", "private key of a map or a database"),
    Code("E0310", "private value in an event"),
    Code("E0311", "private value passed to a public parameter"),
    Code("E0312", "private value returned as public"),
    Code("E0313", "private length or slice bound"),
    Code("E0314", "private value as audience or identity"),
    Code("E0315", "private value into storage that others can read"),
    Code("E0316", "the expected leak did not occur"),
    Code("W0317", "`private` on something that is no secret"),
    Code("E0318", "failure under a private condition"),
    Code("E0319", "reading raw private data without `declassify`"),
)

RANGES = (
    Code("E0401", "value may not fit the type it is stored in"),
    Code("E0402", "no field is large enough for this private value"),
    Code("E0403", "a loop's values have no bound"),
    Code("E0404", "a constant overflows"),
    Code("E0405", "empty or invalid parameter range"),
    Code("W0406", "private divisor may be zero"),
    Code("E0407", "private shift or power"),
    Code("E0408", "private array too large, or constant index outside it"),
)

RUN_TIME = (
    Code("E0501", "reverted"),
    Code("E0502", "overflow"),
    Code("E0503", "division by zero"),
    Code("E0504", "index out of range"),
    Code("E0505", "assertion failed"),
    Code("E0506", "an error of the contract was raised"),
    Code("E0507", "recursion too deep"),
    Code("E0508", "list full, or empty"),
    Code("E0509", "private argument outside its range"),
    Code("E0510", "not permitted by a predicate"),
    Code("E0511", "no such key"),
    Code("E0512", "balance too small"),
    Code("E0513", "the expected revert did not happen"),
    Code("E0515", "too many steps"),
    Code("E0516", "no such contract or function"),
    Code("E0517", "the contract's state kept moving on"),
    Code("E0518", "the job was not done in time"),
)

INPUTS = (
    Code("E0601", "file cannot be read"),
    Code("E0602", "file is not UTF-8"),
    Code("E0603", "input missing"),
    Code("E0604", "malformed JSON or CSV"),
    Code("E0605", "wrong cell in a table"),
    Code("E0606", "input outside the range of its type"),
    Code("E0607", "unknown input"),
    Code("E0608", "input of the wrong shape"),
)

ENGINE = (
    Code("E0701", "a node died"),
    Code("E0702", "a node does not answer"),
    Code("E0703", "a node sent a malformed message"),
    Code("E0704", "impossible number of nodes or threshold"),
    Code("E0705", "a node or the chain cannot start"),
    Code("E0706", "the nodes disagree"),
    Code("E0707", "the engines disagree"),
    Code("E0708", "the chain does not answer, or refuses"),
    Code("E0709", "no nodes answer"),
    Code("E0710", "the key cannot be used"),
    Code("E0711", "a job was not done in time"),
)

CHAIN = (
    Code("E0801", "recursion on the chain"),
    Code("E0802", "no greatest size on the chain"),
    Code("E0803", "not possible on the chain"),
    Code("E0804", "too wide for the chain's numbers"),
    Code("E0805", "name taken on the chain"),
    Code("E0806", "contract too large for the chain"),
    Code("E0807", "refused by the Vyper compiler"),
)

CIRCUITS = (
    Code("E0901", "malformed circuit file"),
    Code("E0902", "not possible as a boolean circuit"),
    Code("E0903", "not one circuit"),
    Code("E0904", "a size or a public value is needed"),
)

COSTS = (
    Code("E1001", "over its budget"),
    Code("E1002", "cost not known"),
)


def _table(*groups: Iterable[Code]) -> MappingProxyType[str, Code]:
    rows: dict[str, Code] = {}
    for row in (row for group in groups for row in group):
        if row.code in rows:
            raise ValueError(f"{row.code} stands twice in the table of codes")
        rows[row.code] = row
    return MappingProxyType(rows)


#: All codes by name, in the order of their numbers.
CODES = _table(SYNTAX, NAMES, TYPES, SECRECY, RANGES, RUN_TIME, INPUTS, ENGINE, CHAIN, CIRCUITS, COSTS)
