"""What begins with a colon: asking about the session instead of running something in it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from enigmalang.diagnostics import Sink
from enigmalang.execute.ports import EngineError, EngineStats, Identity
from enigmalang.repl import asking
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.lines import split_command
from enigmalang.repl.nodes import node_views
from enigmalang.repl.saving import Saved, saved_text
from enigmalang.repl.show import shown
from enigmalang.syntax.parser import read_source
from enigmalang.types.types import IdentityT


class Quit(Exception):
    """The person wants to leave."""


@dataclass(frozen=True, slots=True)
class Command:
    """`run(session, argument)` says whether it went well. `usage` is what comes after the name."""

    usage: str
    help: str
    run: Callable[[Interactive, str], bool]


def dispatch(session: Interactive, text: str) -> bool:
    """Do the command `text` (with its colon); whether it went well. Raises Quit."""
    _, name, argument = split_command(text)
    command = COMMANDS.get(name)
    if command is None:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `:{near[0]}`?" if near else "`:help` lists them"
        return _sorry(session, f"there is no command `:{name}`; {hint}")
    argument = argument.strip()
    if not argument and command.usage and not command.usage.startswith("["):
        return _sorry(session, f"`:{name}` needs something: `:{name} {command.usage}`")
    return command.run(session, argument)


def _sorry(session: Interactive, text: str) -> bool:
    session.out(f"{text}\n")
    return False


def _help(session: Interactive, argument: str) -> bool:
    rows = [(f":{name} {command.usage}".rstrip(), command.help) for name, command in COMMANDS.items()]
    wide = max(len(left) for left, _ in rows)
    session.out("".join(f"{left.ljust(wide)}  {right}\n" for left, right in rows))
    session.out(
        "Anything else is the language: `private x = 41` shares a secret between the nodes, `reveal(x + 1)` opens "
        "what is computed on it.\nAn empty line ends a block; `_` is the last value; Ctrl-C stops what runs, Ctrl-D "
        "leaves.\n")
    return True


def _as(session: Interactive, argument: str) -> bool:
    if argument and not argument.isidentifier():
        return _sorry(session, f"`{argument}` is no name of a person")
    if argument:
        known = session.session.variables.get(argument)
        if known is None and not session.feed(f"identity {argument}"):
            return False
        if known is not None and not isinstance(known.type, IdentityT):
            return _sorry(session, f"`{argument}` is {known.type}, and no identity")
    session.act_as(argument or None)
    return True


def _identities(session: Interactive, argument: str) -> bool:
    store = session.world.identities
    rows = [(store.get("me"), session.acting is None)]
    for name, variable in session.session.variables.items():
        (leaf,) = variable.leaves if isinstance(variable.type, IdentityT) else (None,)
        if isinstance(leaf, Identity) and name != "_":
            rows.append((leaf, session.acting == leaf.name))
    wide = max(len(who.name) for who, _ in rows)
    for who, acts in rows:
        session.out(f"{'*' if acts else ' '} {who.name.ljust(wide)}  {who.address}\n")
    return True


def _names(session: Interactive, argument: str) -> bool:
    session.out("".join(f"{line}\n" for line in asking.names(session)))
    return True


def _nodes(session: Interactive, argument: str) -> bool:
    session.out(node_views(session))
    return True


def _load(session: Interactive, argument: str) -> bool:
    sink = Sink()
    source = read_source(os.path.expanduser(argument), sink)
    if source is None:
        session.complain(sink.diagnostics, session.session)
        return False
    session.session.sources[source.path] = source
    return session.run_source(source, echo=False)


def _save(session: Interactive, argument: str) -> bool:
    saved = saved_text(session.history, session.session.secrets, session.session.constants)
    try:
        with open(os.path.expanduser(argument), "x", encoding="utf-8") as file:
            file.write(saved.text)
    except FileExistsError:
        return _sorry(session, f"{argument} exists already, and is left as it is")
    except OSError as error:
        return _sorry(session, f"{argument} cannot be written: {(error.strerror or str(error)).lower()}")
    session.out(f"saved {len(session.history)} inputs to {argument}{_note(saved)}\n")
    fault = session.session.fault_of(saved.text)
    if fault is not None:  # a session takes more than a program: a name may be given again with another type
        session.out(f"it is no program yet: {fault}\n")
    return True


def _note(saved: Saved) -> str:
    inputs, left = saved.inputs, saved.left
    became = f"; {inputs} secret{'' if inputs == 1 else 's'} became `input(…)`" if inputs else ""
    if not left:
        return became
    stay = "literal of a private place stays" if left == 1 else "literals of private places stay"
    return f"{became}; {left} {stay} as typed in code that reads no input: contracts, tests, defaults, what they call"


def _reset(session: Interactive, argument: str) -> bool:
    lost = (session.engine is not None and session.lost() is not None) or session.told is not None
    session.reset()
    session.out("all names are forgotten" + ("; new nodes are starting\n" if lost else "\n"))
    return True


def _time(session: Interactive, argument: str) -> bool:
    before = _stats(session)
    good, seconds = session.timed(lambda: session.feed(argument))
    if not good:
        return False
    parts = [f"{seconds:.3f} s"]
    after = _stats(session)
    if before is not None and after is not None:
        parts += [f"{getattr(after, name) - getattr(before, name):,} {told}" for name, told in _COUNTED]
        parts.append(f"{after.bytes_sent - before.bytes_sent:,} bytes sent by a node")
    session.out(", ".join(parts) + "\n")
    return True


#: What `enig cost` counts, and `enig run --stats`.
_COUNTED = (("rounds", "rounds"), ("products", "products"), ("ands", "ANDs"), ("comparisons", "comparisons"))


def _stats(session: Interactive) -> EngineStats | None:
    """None without an engine, and where the nodes are lost: an input that needs them says so."""
    try:
        return session.engine.stats() if session.engine is not None else None
    except EngineError:
        return None


def _show_last(session: Interactive, argument: str) -> bool:
    for variable in session.session.variables.values():
        session.out(f"{variable.name} = {shown(variable, session.nodes_lost)}\n")
    return True


def _quit(session: Interactive, argument: str) -> bool:
    raise Quit


def _asked(answer: Callable[[Interactive, str], str | None]) -> Callable[[Interactive, str], bool]:
    def run(session: Interactive, argument: str) -> bool:
        text = answer(session, argument)
        if text is not None:
            session.out(text.rstrip("\n") + "\n")
        return text is not None

    return run


COMMANDS: dict[str, Command] = {
    "help": Command("", "this list", _help),
    "type": Command("EXPR", "its type; nothing runs", _asked(asking.type_of)),
    "secrecy": Command("EXPR", "whether it is private, and because of what; nothing runs", _asked(asking.secrecy_of)),
    "cost": Command("EXPR", "what revealing it would cost; nothing is opened", _asked(asking.cost_of)),
    "ir": Command("[EXPR]", "the IR of an expression, or of the last input", _asked(asking.ir_of)),
    "circuit": Command("[EXPR]", "the circuit that would reveal it, or the last one that ran",
                       _asked(asking.circuit_of)),
    "time": Command("INPUT", "run it, and say what it took", _time),
    "names": Command("", "what is known, with types and secrecy", _names),
    "values": Command("", "all variables with their values; private ones as references", _show_last),
    "as": Command("[NAME]", "act under an identity from now on; without a name as yourself", _as),
    "identities": Command("", "who is known, with addresses", _identities),
    "nodes": Command("", "what each node holds: its own shares", _nodes),
    "load": Command("FILE", "run a file's declarations, statements and tests here", _load),
    "save": Command("FILE", "write the inputs that went well to a new file; secrets become `input(…)`", _save),
    "reset": Command("", "forget everything; lost nodes are started anew", _reset),
    "quit": Command("", "leave (Ctrl-D does, too)", _quit),
}

#: Commands whose argument is a file.
TAKES_FILE = frozenset(("load", "save"))

