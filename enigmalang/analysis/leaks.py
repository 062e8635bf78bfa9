"""What would let a secret out, and the error that says so: birth, path, exit, fix (language.md §5).

Both sides of a private `if` run, and a private `while max` always runs all of its steps. So a *public* operation
inside (an index, checked arithmetic) fails or not whatever the condition is, and tells nothing of it; only what is
written to fail on purpose (`require`, `raise`) is refused there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from enigmalang.analysis.exits import EXITS, Exit
from enigmalang.analysis.flow import Flow, returned, terminator
from enigmalang.analysis.lengths import Lengths
from enigmalang.analysis.paths import Secrets, called_from, name_of, notes_of, unique
from enigmalang.diagnostics import CODES, Diagnostic, Note, Severity, Sink
from enigmalang.ir.ir import Function, Opaque, Operation, Program, Region, Slot, Tensor, Value
from enigmalang.ir.leaves import leaves_of
from enigmalang.ir.ops import OPS, Effect
from enigmalang.source import Span
from enigmalang.types.types import AddressT, BytesNT, BytesT, Label, StringT

#: Client operations that change nothing and show nothing.
_HARMLESS = frozenset(("identity", "db_get", "db_get_at", "db_has", "db_history", "read_contract", "predicate"))
_EFFECTS = {
    "print": "`print` would run only if", "emit": "the event would be emitted only if",
    "send": "money would be sent only if", "state_store": "public state would be written only if",
    "map_set": "public state would be written only if", "external_call": "another contract would be called only if",
    "call": "a recursive function would be called only if",
    "declassify": "`MPC.declassify` would give a secret back only if",
    "deploy": "a contract would be deployed only if",
    "shared_identity": "a shared identity would be made only if", "submit": "a job would be submitted only if",
    "await": "a job would be awaited only if", "call_contract": "a contract would be called only if",
    "advance": "the chain would advance only if", "input": "an input would be read only if",
}


def find_leaks(program: Program, secrets: Secrets, flow: Flow, sink: Sink) -> None:
    """Report every place where a private value would get out of `program`."""
    for function in program.functions.values():
        find_leaks_of(function, program, secrets, flow, sink)


def find_leaks_of(function: Function, program: Program, secrets: Secrets, flow: Flow, sink: Sink) -> None:
    """The same for one function."""
    _Checker(program, secrets, flow, sink).run(function)


class _Checker:
    def __init__(self, program: Program, secrets: Secrets, flow: Flow, sink: Sink) -> None:
        self.program, self.secrets, self.flow, self.sink = program, secrets, flow, sink
        self.lengths = Lengths(flow)
        self.conditions: list[Value] = []  # private, innermost last
        self.caught: list[list[Diagnostic]] = []  # one list for each `expect leak` around
        self.function: Function

    # ---- walking

    def run(self, function: Function) -> None:
        self.function = function
        self.region(function.body)
        if function.kind in ("external", "view", "init", "predicate"):
            self.result(function)
        if function.result_private:
            self.needless(function)

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.operation(op)

    def operation(self, op: Operation) -> None:
        if op.op == "expect_leak":
            self.expected(op)
            return
        self.exits(op)
        self.under_condition(op)
        self.unfit(op)
        match op.op:
            case "if":
                self.branches(op)
            case "while":
                self.loop(op)
            case _:
                for region in op.regions:
                    self.region(region)

    def branches(self, op: Operation) -> None:
        condition = op.operands[0]
        if not self.secrets.private(condition):
            for region in op.regions:
                self.region(region)
            return
        if op.attrs["early"] is not None:
            self.early(op.attrs["early"], condition, op)
        with self.under(condition):
            for region in op.regions:
                self.region(region)
        first, second = (terminator(region) for region in op.regions)
        if first.op == second.op == "yield":
            for result, a, b in zip(op.results, first.operands, second.operands, strict=True):
                self.lengths_agree(result, a, b, condition, op)

    def loop(self, op: Operation) -> None:
        head, body = op.regions
        condition = terminator(head).operands[0]
        if not self.secrets.private(condition):
            for region in op.regions:
                self.region(region)
            return
        if op.attrs["max"] is None:
            self.say("E0307", "the condition of this `while` is private, and how often it runs is public",
                     condition.span, op, condition,
                     "give the most steps it may take: `while c max N:` always runs N of them, and those after the "
                     "condition turned false change nothing")
        with self.under(condition):
            for region in op.regions:
                self.region(region)
        last = terminator(body)
        if last.op == "yield":
            for result, a, b in zip(op.results, last.operands, body.params, strict=True):
                self.lengths_agree(result, a, b, condition, op)

    @contextmanager
    def under(self, condition: Value) -> Iterator[None]:
        self.conditions.append(condition)
        yield
        self.conditions.pop()

    def expected(self, op: Operation) -> None:
        """`expect leak`: what is found inside and has the code is what was expected."""
        self.caught.append([])
        for region in op.regions:
            self.region(region)
        found = self.caught.pop()
        wanted = op.attrs["code"]
        if wanted and (wanted not in CODES or not wanted.startswith(("E03", "E0214"))):
            self.report(Diagnostic("E0316", f"`{wanted}` is not a code of a leak", op.span,
                                   help="write one such as E0301, or no code at all for any leak"))
            return
        fitting = [d for d in found if (d.code == wanted if wanted else d.code.startswith("E03"))]
        leaked = [d for d in found if d.code.startswith("E03") and d.severity is Severity.ERROR]
        for diagnostic in found:
            if diagnostic not in [*fitting, *leaked] and diagnostic.severity is Severity.ERROR:
                self.report(diagnostic)
        if fitting:
            return
        if leaked:
            codes = " and ".join(sorted({d.code for d in leaked}))
            notes = tuple(Note(d.span, f"{d.code}: {d.message}") for d in leaked)
            self.report(Diagnostic("E0316", f"this block leaks {codes}, and {wanted} was expected", op.span,
                                   unique(notes), f'write `expect leak "{leaked[0].code}":` if you mean that'))
        else:
            what = f" {wanted}" if wanted else ""
            self.report(Diagnostic("E0316", f"nothing leaks in this block, and a leak{what} was expected", op.span,
                                   help="the checker accepts it: drop `expect leak`, or leak what you meant to"))

    # ---- reporting

    def report(self, diagnostic: Diagnostic) -> None:
        if self.caught:
            self.caught[-1].append(diagnostic)
        else:
            self.sink.report(diagnostic)

    def say(self, code: str, message: str, span: Span, op: Operation, secret: Value, help: str) -> None:
        notes = (*notes_of(self.secrets, secret, span), *called_from(op))
        self.report(Diagnostic(code, message, span, unique(notes), help))

    # ---- explicit flows

    def exits(self, op: Operation) -> None:
        for leak in EXITS.get(op.op, ()):
            for value in leak.values(op):
                if self.secrets.private(value):
                    self.leaves(leak, value, op)
        match op.op:
            case "state_store" | "map_set":
                self.stored(op)
            case "call_contract" | "submit":
                self.arguments(op, op.attrs["function"], op.operands[2 if op.attrs["value"] else 1:])
            case "deploy":
                self.arguments(op, f"{op.attrs['contract']}.init", op.operands)
            case "map":
                self.filtered(op)

    def leaves(self, leak: Exit, value: Value, op: Operation) -> None:
        birth = self.secrets.birth_of(value)
        span = leak.place(op, value)
        if birth.raw and op.op == "print" and self.secrets.as_it_was(value):
            self.say("E0319", "`MPC[…]` is a reference: it can be computed with, not read", span, op, value,
                     "`MPC.declassify(key)` gives the value back to whom the predicate allows raw data")
            return
        name = name_of(value) if leak.code != "E0302" or value.hint else "this condition"
        self.say(leak.code, f"{name} is private, and {leak.text}", span, op, value, leak.help)

    def stored(self, op: Operation) -> None:
        slot, value = self.slot(op), op.operands[-1]
        if slot is not None and slot.label is Label.PUBLIC and self.secrets.private(value):
            self.say("E0308", f"{name_of(value)} is private, and the state variable `{slot.name}` is public: "
                     "everyone could read it on the ledger", op.span, op, value,
                     f"declare it `private {slot.name.split('.')[0]}: …`, or store `reveal(…)` if everyone may learn "
                     "it")
        elif op.op == "state_store" and self.conditions and slot is not None and not all(slot.exact or (True,)):
            self.kept_length(op, slot)

    def slot(self, op: Operation) -> Slot | None:
        contract = self.program.contracts.get(self.function.contract or "")
        return contract.slots.get(op.attrs["slot"]) if contract else None

    def arguments(self, op: Operation, callee: str, given: Sequence[Value]) -> None:
        function = self.program.functions.get(callee)
        params = function.params if function else ()
        leaves = [(p, leaf) for p in params for leaf in leaves_of(p.type, p.private)]
        for (param, leaf), value in zip(leaves, given, strict=False):
            if not leaf.private and self.secrets.private(value):
                self.say("E0311", f"{name_of(value)} is private, and the parameter `{param.name}` of `{callee}` is "
                         "public", op.span, op, value, f"declare the parameter `private {param.name}: …`, or pass "
                         "`reveal(…)` if everyone may learn it")

    def filtered(self, op: Operation) -> None:
        if op.attrs["filtered"]:
            keep = terminator(op.regions[0]).operands[0]
            if self.secrets.private(keep):
                self.say("E0313", "the condition is private, and the length of the list would tell how often it holds",
                         op.span, op, keep,
                         "keep all elements and choose a neutral one: `[x if c else 0 for x in xs]`; or count with "
                         "`sum([c for x in xs])`")

    def result(self, function: Function) -> None:
        values = returned(function)
        flags = [leaf.private for leaf in leaves_of(function.result, function.result_private)]
        for value, private in zip(values, flags, strict=False):
            if not private and self.secrets.private(value):
                op = self.flow.defined_by.get(value, function.body.ops[-1])
                short = function.name.rsplit(".", 1)[-1]
                self.say("E0312", f"{name_of(value)} is private, and the result of `{short}` is public", value.span, op,
                         value, f"write `-> private {function.result}` (only the caller learns it), or return "
                         "`reveal(…)` if everyone may learn it")

    def needless(self, function: Function) -> None:
        """`-> private` on a result in which no secret is."""
        values = returned(function)
        shares = [self.flow.defined_by.get(v) for v in values]
        if values and all(
                op is not None and op.op == "share" and not self.secrets.private(op.operands[0]) for op in shares):
            span = function.body.ops[-1].span
            self.report(Diagnostic("W0317", "the result is `private`, but nothing in it is secret", span,
                                   (Note(function.span, "declared here"),), "leave `private` out",
                                   Severity.WARNING))

    # ---- what a private condition would show

    def under_condition(self, op: Operation) -> None:
        if not self.conditions:
            return
        condition = self.conditions[-1]
        effect = OPS[op.op].effect
        if op.op in ("reveal", "reveal_to"):
            self.say("E0304", "a `reveal` under a private condition would tell whether the condition held", op.span, op,
                     condition, "choose first and reveal after the `if`: `reveal(a if c else b)`")
        elif op.op in ("require", "raise", "assert"):
            word = "raise" if op.op == "raise" else op.op
            self.say("E0318", f"`{word}` under a private condition: everyone would see whether it failed", op.span, op,
                     condition, "check before the `if`, or put what was found into a private result")
        elif op.op in ("leave", "break", "continue"):
            self.early(op.span, condition, op)
        elif op.op in ("state_store", "map_set"):
            slot = self.slot(op)
            if slot is None or slot.label is Label.PUBLIC:
                self.effect(op, condition)
        elif op.op == "call" or effect is Effect.LEDGER or (effect is Effect.CLIENT and op.op not in _HARMLESS):
            self.effect(op, condition)

    def effect(self, op: Operation, condition: Value) -> None:
        stored = f"something would be stored under `{op.attrs['db']}` only if" if op.op == "db_set" else ""
        text = stored or _EFFECTS.get(op.op, f"`{op.op.replace('_', ' ')}` would happen only if")
        tail = "both sides run, so it might never end" if op.op == "call" else "everyone would see whether it did"
        self.say("E0303", f"{text} this private condition holds, and {tail}", op.span, op, condition,
                 "choose the value under the condition and do this after the `if`, in both cases")

    def early(self, span: Span, condition: Value, op: Operation) -> None:
        self.say("E0305", "leaving early under a private condition would tell whether it held", span, op, condition,
                 "keep the answer in a variable that the `if` sets, and leave at the end; a loop with a private end is "
                 "`while c max N:`")

    def lengths_agree(self, result: Value, a: Value, b: Value, condition: Value, op: Operation) -> None:
        if isinstance(result.type, Tensor) and result.type.rank and not self.lengths.same(a, b):
            name = result.hint or a.hint or b.hint
            self.say("E0313", f"{f'`{name}`' if name else 'the list'} may have another length after this private "
                     "condition, and lengths are public", op.span, op, condition,
                     "change elements, not the length: append in both cases a value chosen by the condition")

    def kept_length(self, op: Operation, slot: Slot) -> None:
        definition = self.flow.defined_by.get(op.operands[0])
        while definition is not None and definition.op in ("set_index", "share", "convert"):
            definition = self.flow.defined_by.get(definition.operands[0])
        if definition is None or definition.op != "state_load" or definition.attrs["slot"] != slot.name:
            self.say("E0313", f"`{slot.name}` may have another length after this private condition, and lengths are "
                     "public", op.span, op, self.conditions[-1],
                     "change elements, not the length: append in both cases a value chosen by the condition")

    # ---- types that no circuit holds

    def unfit(self, op: Operation) -> None:
        for value in op.results:
            if self.secrets.private(value) and _unfit(value) and not any(
                    self.secrets.private(v) and _unfit(v) for v in op.operands) and not _refused(self.secrets, op):
                self.say("E0214", f"{name_of(value)} would be private, and no {_held(value)} can be: only numbers, "
                         "truths and enums can", op.span, op, value,
                         "choose between numbers (an index, an enum) and look the text up after `reveal`")


def _held(value: Value) -> object:
    """The type as users write it."""
    return value.type.type if isinstance(value.type, Opaque) else value.type.element


def _unfit(value: Value) -> bool:
    return isinstance(value.type, Opaque) or isinstance(value.type.element, AddressT | StringT | BytesT | BytesNT)


def _refused(secrets: Secrets, op: Operation) -> bool:
    """Keys and the like: said already."""
    return any(secrets.private(v) for leak in EXITS.get(op.op, ()) for v in leak.values(op))
