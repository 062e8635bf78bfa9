"""Canonical bytes of a plan, and their hash: what a contract holds and nodes check before they run anything.

The bytes are the text form with spans, in UTF-8: deterministic, readable, and read back by the IR's own parser and
verifier, which is all the validation that a plan from a stranger gets and needs.
"""

import hashlib

from enigmalang.ir.text import ParseError, parse_program
from enigmalang.ir.verify import VerifyError, verify
from enigmalang.plan.plan import Part, Plan
from enigmalang.plan.text import print_plan

MAX_BYTES = 64 << 20


class PlanError(Exception):
    """Bytes that are no plan; the text says why."""


def encode(plan: Plan) -> bytes:
    """The canonical bytes of `plan`."""
    return print_plan(plan, spans=True).encode()


def plan_hash(plan: Plan) -> bytes:
    """SHA-256 of the canonical bytes (32 bytes)."""
    return hashlib.sha256(encode(plan)).digest()


def decode(data: bytes) -> Plan:
    """The plan of canonical bytes. Raises PlanError for anything else."""
    if len(data) > MAX_BYTES:
        raise PlanError(f"a plan of {len(data)} bytes is over the limit of {MAX_BYTES}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise PlanError(f"not UTF-8 at byte {error.start}") from None
    head, *rest = text.split("\n==== ")  # no value's text holds a line end, so this is only between parts
    if head not in ("plan M61", "plan M127") or len(rest) != len(Part):
        raise PlanError("not a plan")
    programs = {}
    for part, section in zip(Part, rest, strict=True):
        name, _, body = section.partition(" ====\n")
        if name != part.value:
            raise PlanError(f"the part {part.value} is missing")
        try:
            programs[part] = parse_program(body + "\n")
            verify(programs[part])
        except (ParseError, VerifyError) as error:
            raise PlanError(f"{part.value}: {error}") from None
    whole, ledger = programs[Part.WHOLE], programs[Part.LEDGER]  # a contract's functions are all in the ledger's part
    plan = Plan(
        whole.path, head.split()[1], ledger.contracts, whole.functions, ledger.functions,
        programs[Part.SECRET].functions, whole.tests)
    if encode(plan) != data:
        raise PlanError("not in canonical form")
    return plan
