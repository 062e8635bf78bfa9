"""The session at a terminal: highlighting, completion, history, blocks that indent themselves."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import completion_is_selected
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.patch_stdout import patch_stdout

from enigmalang.repl.commands import Quit, dispatch
from enigmalang.repl.complete import SessionCompleter
from enigmalang.repl.history import RedactedHistory, history_path
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.lines import INDENT, is_command, is_complete, next_indent
from enigmalang.repl.network import Network
from enigmalang.syntax.pygments_lexer import EnigmaLexer


def read_loop(session: Interactive, banner: str) -> int:
    """Read and run inputs until the person leaves; the exit status. Tells what happens between inputs, too."""
    session.out(banner)
    prompt = _prompt_session(session)
    while True:
        try:
            with patch_stdout(raw=True):
                text = prompt.prompt(lambda: _prompt(session))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0 if session.finish() else 1
        good = False
        try:
            _tell_lost(session)
            good = not text.strip() or run_one(session, text)
        except Quit:
            good = True
            return 0
        finally:
            if isinstance(prompt.history, RedactedHistory):
                prompt.history.settle(good)


def run_one(session: Interactive, text: str) -> bool:
    """One input or command. Ctrl-C stops it and nothing else. Raises Quit."""
    try:
        with _interruptible():
            return dispatch(session, text) if is_command(text) else session.feed(text.rstrip())
    except KeyboardInterrupt:
        session.out("\nstopped; nothing else has changed\n")  # after the terminal's ^C
        if isinstance(session.engine, Network) and session.engine.ending:
            session.out("the nodes still end what they were at; what needs them waits for that, or `:reset` starts new "
                        "ones\n")
        return False


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt inside, whatever the terminal library had set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell_lost(session: Interactive) -> None:
    failure = session.lost()
    if failure is not None:
        session.out(f"the nodes are lost: {failure}\n`:reset` starts new ones; private values are gone with the old\n")


def _prompt(session: Interactive) -> str:
    _tell_lost(session)
    return f"{session.acting}> " if session.acting else "enig> "


def _prompt_session(session: Interactive) -> PromptSession[str]:
    return PromptSession(
        history=_history(session), lexer=PygmentsLexer(EnigmaLexer), completer=SessionCompleter(session),
        complete_while_typing=False, auto_suggest=AutoSuggestFromHistory(), multiline=True,
        prompt_continuation=lambda width, number, soft: "... ".rjust(width), key_bindings=_keys(),
        bottom_toolbar=_toolbar(session), enable_open_in_editor=False, refresh_interval=1.0)


def _history(session: Interactive) -> History:
    try:
        return RedactedHistory(history_path(), lambda: session.session.secrets)
    except OSError as error:
        print(f"enig: no history is kept: {error}", file=sys.stderr)
        return InMemoryHistory()


def _toolbar(session: Interactive) -> Callable[[], str] | None:
    def text() -> str:
        network = session.engine
        if not isinstance(network, Network):
            return f" {session.settings.engine} engine"
        return f" {network.nodes} nodes, {network.state}"

    return text


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=~completion_is_selected)
    def _enter(event: KeyPressEvent) -> None:
        """Run a complete input when the cursor is at its end; else a new line, indented."""
        buffer = event.current_buffer
        text, document = buffer.text, buffer.document
        at_end = not document.text_after_cursor.strip()
        if at_end and (is_command(text) or is_complete(text)):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n" + " " * next_indent(document.text_before_cursor))

    @keys.add("enter", filter=completion_is_selected)
    def _accept(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @keys.add("tab")
    def _tab(event: KeyPressEvent) -> None:
        """Spaces where a line begins; completion elsewhere."""
        buffer = event.current_buffer
        if not buffer.document.current_line_before_cursor.strip():
            buffer.insert_text(" " * (INDENT - len(buffer.document.current_line_before_cursor) % INDENT))
        elif buffer.complete_state:
            buffer.complete_next()
        else:
            buffer.start_completion(insert_common_part=True)

    @keys.add("backspace")
    def _backspace(event: KeyPressEvent) -> None:
        """One step of indentation at a time."""
        buffer = event.current_buffer
        before = buffer.document.current_line_before_cursor
        step = (len(before) - 1) % INDENT + 1 if before and not before.strip() else 1
        buffer.delete_before_cursor(step)

    return keys
