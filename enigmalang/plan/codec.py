"""Canonical bytes of a plan, and their hash.

Two lines of header (format, field) and the text form of the plan's IR with spans. The decoder reads the text with the
IR's own parser, and verifies every program; nothing in it is ever evaluated.
"""

import re
from dataclasses import replace
from hashlib import sha256
from weakref import WeakValueDictionary

from enigmalang.ir.ir import Function, Program
from enigmalang.ir.text import ParseError, parse_program, print_program
from enigmalang.ir.verify import VerifyError, verify_function
from enigmalang.plan.plan import SECRET, Plan, PlanFunction, part_of_result

FORMAT = "enigma plan 1"
MAX_BYTES = 64 << 20
_HEADER = re.compile(r"enigma plan 1\nfield (M61|M127)\n")
#: Plans that somebody has, by their hash: a node uses one for all of its committees, and for all of their terms.
_LIVE: "WeakValueDictionary[bytes, Plan]" = WeakValueDictionary()


class PlanError(Exception):
    """The bytes are not a plan; the text says why."""


def encode_plan(plan: Plan) -> bytes:
    return f"{FORMAT}\nfield {plan.field}\n{print_program(plan.program(), spans=True)}".encode()


def hash_plan(plan: Plan) -> bytes:
    """SHA-256 of the canonical bytes."""
    return sha256(encode_plan(plan)).digest()


def decode_plan(data: bytes) -> Plan:
    """The plan whose canonical bytes are `data`: the same one for all, as long as anybody has it. Raises PlanError for
    anything else.
    """
    if len(data) > MAX_BYTES:
        raise PlanError(f"a plan of {len(data)} bytes; at most {MAX_BYTES} are read")
    name = sha256(data).digest()
    plan = _LIVE.get(name)
    return plan if plan is not None else _LIVE.setdefault(name, _decoded(data))


def _decoded(data: bytes) -> Plan:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise PlanError("not UTF-8") from None
    header = _HEADER.match(text)
    if header is None:
        raise PlanError(f"does not begin with {FORMAT!r} and a field")
    try:
        program = parse_program(text[header.end() :])
    except (ParseError, ValueError, KeyError, RecursionError) as error:
        raise PlanError(f"malformed: {error}") from None
    plan = _plan(program, header[1])
    _verify(program)
    if encode_plan(plan) != data:
        raise PlanError("not in canonical form")
    return plan


def _plan(program: Program, field: str) -> Plan:
    functions: dict[str, PlanFunction] = {}
    for name, function in program.functions.items():
        if not name.endswith(SECRET):
            secret = program.functions.get(name + SECRET)
            functions[name] = PlanFunction(function, replace(secret, name=name) if secret is not None else None)
    return Plan(program.path, field, program.contracts, functions, program.tests, program.interfaces)


def _verify(program: Program) -> None:
    try:
        for name, function in program.functions.items():
            verify_function(program, as_yielded(function, name, program))
    except VerifyError as error:
        raise PlanError(f"ill-formed: {error}") from None
    for contract in program.contracts.values():
        for name in contract.functions:
            if name not in program.functions:
                raise PlanError(f"ill-formed: {contract.name} lists {name}, which is missing")


def as_yielded(function: Function, name: str, program: Program) -> Function:
    """The function with the result type of what it yields: one of the two programs has only a part."""
    secret = name.endswith(SECRET)
    if not secret and name + SECRET not in program.functions:
        return function
    return replace(function, result=part_of_result(function, secret), result_private=secret)
