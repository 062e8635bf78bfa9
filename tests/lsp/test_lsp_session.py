"""`enig lsp` as an editor uses it: a session over stdio with the real command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsp_client import Failed, Session, edited, place_of

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.enig"))

PROGRAM = '''\
# größe 😀: no letter here may move a column
from stats import mean
const LEAST = 3

struct Point:
    x: uint32
    private y: uint32

enum Color:
    RED
    BLUE

contract Club:
    """A club of people."""
    private amount: map[address, uint32]
    people: list[address, 100]
    event Joined(who: address, total: uint32)

    def join(private given: uint32):
        """Anyone may join once."""
        require sender not in people, "😀 already"
        amount[sender] = given
        people.append(sender)
        emit Joined(sender, len(people))

    def average() -> uint32:
        require len(people) >= LEAST, "😀😀"; 
        return reveal(mean([amount[p] for p in people]))

    def rank() -> private uint32:
        mine = amount[sender]
        return sum([amount[p] > mine for p in people]) + 1

def double(n: uint32) -> uint32:
    return n * 2

test "joins":
    s = deploy Club()
    as alice: s.join(90)
    p = Point(1, 2)
    c = Color.RED
    assert double(LEAST) == 6
    assert p.x == 1 and c == Color.RED
'''.replace("; \n", "\n")


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One server for the whole module: starting takes most of a second."""
    with Session(tmp_path_factory.mktemp("editor")) as session:
        yield session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def session(editor: Session, folder: Path) -> Iterator[Session]:
    """The server, with a folder of the test's own and nothing open."""
    editor.root = folder
    yield editor
    for name in list(editor.versions):
        editor.close(name)
    editor.versions.clear()


# ------------------------------------------------------------------------------------------- life of a session


def test_what_the_server_can_do(session: Session) -> None:
    capabilities = session.capabilities
    assert capabilities["positionEncoding"] == "utf-16"
    for provider in ("hover", "definition", "references", "rename", "completion", "documentSymbol",
                     "documentFormatting", "inlayHint", "codeAction"):
        assert capabilities[f"{provider}Provider"]


def test_ends_with_status_1_when_the_editor_just_leaves(folder: Path) -> None:
    session = Session(folder)
    session.tell("exit", None)
    assert session.process.wait(30) == 1
    for stream in (session.process.stdin, session.process.stdout, session.process.stderr):
        assert stream is not None
        stream.close()


def test_ends_when_its_input_ends(folder: Path) -> None:
    session = Session(folder)
    session.open("p.enig", "a = 1\n")
    _, errors = session.process.communicate(timeout=30)
    assert session.process.returncode == 1
    assert b"Traceback" not in errors


def test_initialize_imports_nothing_of_the_compiler() -> None:
    code = ("import sys; from enigmalang.lsp.server import make_server; make_server();"
            "bad = [m for m in ('lark', 'numpy', 'llvmlite', 'enigmalang.semantics', 'enigmalang.lsp.answers')"
            " if m in sys.modules]; print(bad)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_malformed_messages_leave_the_session_usable(session: Session) -> None:
    session.write(b"Content-Length: 9\r\n\r\nnot json!")
    session.write(b'Content-Length: 2\r\n\r\n[]')
    session.send({"method": "textDocument/didChange", "params": {"nonsense": True}})
    session.send({"id": 900, "method": "textDocument/hover", "params": {"position": "here"}})
    session.send({"id": 901, "method": "no/such/method", "params": {}})
    with pytest.raises(Failed):
        session.answer(901)
    session.tell("$/cancelRequest", {"id": 12345})
    session.tell("textDocument/didChange", {
        "textDocument": {"uri": session.uri("never_opened.enig"), "version": 2}, "contentChanges": [{"text": "a"}]})
    assert session.hover("never_opened.enig", 0, 0) == ""
    assert session.open("p.enig", "a = 1\nprint(a)\n") == []
    assert "a: int256" in session.hover("p.enig", 0, 0)


def test_places_outside_of_the_text(session: Session) -> None:
    session.open("p.enig", "a = 1\nprint(a)\n")
    for line, character in ((0, 999), (1, 999), (2, 0), (99, 99)):
        session.hover("p.enig", line, character)
        session.complete("p.enig", line, character)
    wide = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 99}}
    session.change("p.enig", {"range": wide, "text": "b = 2\n"})
    assert session.diagnostics("p.enig") == []
    assert "b: " in session.hover("p.enig", 0, 0)


def test_a_position_that_cannot_be_is_answered(session: Session) -> None:
    session.open("p.enig", "a = 1\n")
    for method in ("hover", "completion", "prepareRename", "definition"):
        with pytest.raises(Failed, match="malformed") as caught:
            session.ask(f"textDocument/{method}", session.at("p.enig", -1, -1))
        assert caught.value.code == -32602


def test_refusals_leave_no_trace_on_stderr(folder: Path) -> None:
    """The reply says it all; editors show what stands on stderr as a fault of the server."""
    session = Session(folder)
    try:
        session.open("p.enig", PROGRAM)
        for new in ("private", "LEAST", "1a"):
            with pytest.raises(Failed):
                session.rename("p.enig", *place_of(PROGRAM, "double"), new)
        with pytest.raises(Failed):
            session.ask("textDocument/prepareRename", session.at("p.enig", *place_of(PROGRAM, "mean(")))
        with pytest.raises(Failed):
            session.ask("textDocument/hover", session.at("p.enig", -1, -1))
        session.replace("p.enig", PROGRAM + "x = (\n")
        session.ask("textDocument/formatting", {
            "textDocument": {"uri": session.uri("p.enig")}, "options": {"tabSize": 4, "insertSpaces": True}})
        with pytest.raises(Failed):
            session.rename("p.enig", *place_of(PROGRAM, "double"), "twice")
    finally:
        _, errors = session.process.communicate(timeout=30)
    assert errors.decode() == ""


HUGE = 10**12
MALFORMED_CHANGES: list[object] = [
    None, [], "text", 7, {}, {"contentChanges": [{"text": "a"}]}, {"textDocument": None, "contentChanges": None},
    {"textDocument": {"uri": 3, "version": 2}, "contentChanges": [{"text": "a"}]},
    {"textDocument": {"uri": "URI", "version": "new"}, "contentChanges": [{"text": "a"}]},
    {"textDocument": {"uri": "URI", "version": 2}, "contentChanges": "all"},
    {"textDocument": {"uri": "URI", "version": 2}, "contentChanges": [{"text": None}]},
    {"textDocument": {"uri": "URI", "version": 2}, "contentChanges": [{"range": {}, "text": "a"}]},
    {"textDocument": {"uri": "file:///nowhere/unknown.enig", "version": 2}, "contentChanges": [{"text": "a"}]},
    {"textDocument": {"uri": "untitled:Untitled-1", "version": 2}, "contentChanges": [{"text": "a"}]},
    {"textDocument": {"uri": "", "version": 2}, "contentChanges": [{"text": "a"}]},
    *({"textDocument": {"uri": "URI", "version": 2}, "contentChanges": [{"text": "", "range": {
        "start": {"line": line, "character": character}, "end": {"line": line, "character": character}}}]}
      for line, character in ((-1, 0), (0, -1), (HUGE, 0), (0, HUGE), (1.5, 0), ("0", 0), (None, None),
                              (2**31 - 1, 2**31 - 1))),
]


def test_malformed_notifications_leave_no_trace_on_stderr(folder: Path) -> None:
    """Each is dropped without a word, as notifications have no answer; the next question is answered."""
    session = Session(folder)
    try:
        assert session.open("p.enig", "a = 1\nprint(a)\n") == []
        for params in MALFORMED_CHANGES:
            given = json.loads(json.dumps(params).replace("URI", session.uri("p.enig")))
            session.send({"method": "textDocument/didChange", "params": given})
        session.send({"method": "textDocument/didChange"})
        for method in ("didOpen", "didClose", "didSave", "didNothing"):
            for params in (None, [], {}, {"textDocument": None}, {"textDocument": {"uri": "file:///unknown.enig"}},
                           {"textDocument": {"uri": "x", "languageId": 1, "version": "1", "text": 3}}):
                session.send({"method": f"textDocument/{method}", "params": params})
        session.send({"method": "workspace/didChangeWatchedFiles", "params": {"changes": [{"uri": 1, "type": 99}]}})
        session.send({"method": "$/cancelRequest", "params": {"id": {}}})
        session.send({"id": [], "method": "textDocument/hover", "params": {}})
        session.send({"id": {}, "result": None})
        session.versions["p.enig"] = 50
        assert session.replace("p.enig", "b = 2\nprint(b)\n") == []
        assert "b: int256" in session.hover("p.enig", 0, 0)
    finally:
        _, errors = session.process.communicate(timeout=30)
    assert errors.decode() == ""


def test_a_circuit_file_that_never_ends_does_not_hang_the_session(session: Session) -> None:
    (found,) = session.open("p.enig", 'f = circuit("/dev/zero")\nprint(1)\n')
    assert found["code"] == "E0601" and found["relatedInformation"] == []


# ------------------------------------------------------------------------------------------------ diagnostics


def test_diagnostics_come_and_go(session: Session) -> None:
    assert session.open("p.enig", "private a = 41\nprint(reveal(a))\n") == []
    (leak,) = session.replace("p.enig", "private a = 41\nprint(a)\n")
    assert (leak["code"], leak["severity"], leak["range"]["start"]["line"]) == ("E0301", 1, 1)
    (born,) = leak["relatedInformation"]
    assert born["location"]["uri"] == session.uri("p.enig")
    assert born["location"]["range"]["start"] == {"line": 0, "character": 8}
    assert "born here" in born["message"]
    assert "reveal" in leak["message"]
    assert session.replace("p.enig", "private a = 41\nprint(reveal(a))\n") == []
    session.close("p.enig")
    gone = session.until(lambda m: m.get("method") == "textDocument/publishDiagnostics")
    assert gone["params"]["diagnostics"] == []


def test_characters_that_reorder(session: Session) -> None:
    text = "a = 1  # one\u202e\nprint(a)\n"
    (found,) = session.open("p.enig", text)
    assert found["code"] == "E0015"
    assert found["range"] == {"start": {"line": 0, "character": 12}, "end": {"line": 0, "character": 13}}
    assert "a: int256" in session.hover("p.enig", 1, 6)
    assert session.replace("p.enig", text.replace("\u202e", "")) == []


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_lines_end_where_the_protocol_says(session: Session, char: str) -> None:
    session.open("p.enig", f"# a{char}b\nx = 1\nprint(x + 2222)\n")
    session.change("p.enig", {"range": place_range(2, 14, 2, 14), "text": "7"})
    assert session.diagnostics("p.enig") == []
    session.change("p.enig", {"range": place_range(2, 6, 2, 7), "text": "y"})
    (found,) = session.diagnostics("p.enig")
    assert found["code"] == "E0101" and found["range"] == place_range(2, 6, 2, 7)


def test_a_line_that_goes_on_goes_on_in_what_follows_it_now(session: Session) -> None:
    session.open("p.enig", "x = 1 + \\\n    2\nabs(3)\n")
    session.change("p.enig", {"range": place_range(1, 0, 2, 0), "text": ""})
    assert session.diagnostics("p.enig") == []


def test_what_the_command_finds_after_the_analysis(session: Session) -> None:
    (found,) = session.open("c.enig", 'contract C:\n    def f():\n        DHT["a"] = 3\n')
    assert (found["code"], found["range"]["start"]["line"]) == ("E0803", 2)
    text = "@budget(rounds=1)\ndef f(private x: int32) -> bool:\n    return reveal(x // 7 > 3)\nprint(f(5))\n"
    assert session.open("p.enig", text) == []  # what takes long comes behind
    (found,) = session.diagnostics("p.enig")
    assert (found["code"], found["range"]["start"]) == ("E1001", {"line": 0, "character": 8})
    assert session.replace("p.enig", text.replace("rounds=1", "rounds=99")) == []


def place_range(line: int, start: int, end_line: int, stop: int) -> dict[str, dict[str, int]]:
    return {"start": {"line": line, "character": start}, "end": {"line": end_line, "character": stop}}


def test_several_errors_at_once(session: Session) -> None:
    found = session.open("p.enig", "a = (1 +\nb = 2\nc = 1 ++ 2\ndef f(:\n    return 1\n")
    assert len(found) >= 3
    found = session.replace("p.enig", "a = nothing\nb: uint8 = 300\nc = len(1, 2)\n")
    assert {d["code"] for d in found} == {"E0101", "E0209", "E0203"}


def test_typing_one_character_at_a_time(session: Session) -> None:
    """Each key is a version; the last one's diagnostics come, whatever was dropped on the way."""
    session.open("p.enig", "")
    text = "private a: uint32 = 5\nb = a * 3\nprint(b)\n"
    for number in range(len(text)):
        before = text[:number]
        at = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        session.change("p.enig", {"range": {"start": at, "end": at}, "text": text[number]})
    (leak,) = session.diagnostics("p.enig")
    assert (leak["code"], leak["range"]["start"]) == ("E0301", {"line": 2, "character": 0})


def test_columns_are_utf16(session: Session) -> None:
    text = 'print("😀é😀é", nothing)\n'
    (wrong,) = session.open("p.enig", text)
    assert wrong["range"] == {"start": {"line": 0, "character": 16}, "end": {"line": 0, "character": 23}}
    assert place_of(text, "nothing") == (0, 16)
    middle = {"line": 0, "character": 8}  # within the first of them: its beginning is meant
    session.change("p.enig", {"range": {"start": middle, "end": middle}, "text": "é"})
    (wrong,) = session.diagnostics("p.enig")
    assert wrong["range"]["start"]["character"] == 17


@pytest.mark.parametrize(("encoding", "start"), [("utf-8", 15), ("utf-32", 12)])
def test_other_encodings_when_the_editor_wants_them(folder: Path, encoding: str, start: int) -> None:
    with Session(folder, [encoding]) as session:
        assert session.capabilities["positionEncoding"] == encoding
        (wrong,) = session.open("p.enig", 'print("a😀", no)\n')
        assert wrong["range"]["start"]["character"] == start


# --------------------------------------------------------------------------------------------------- questions


def asked(session: Session, part: str, number: int = 0) -> tuple[str, int, int]:
    return ("p.enig", *place_of(PROGRAM, part, number))


@pytest.fixture
def opened(session: Session) -> Session:
    assert session.open("p.enig", PROGRAM) == []
    return session


@pytest.mark.parametrize(("part", "number", "wanted"), [
    ("amount", 0, ["private Club.amount: map[address, uint32]", "**private**"]),
    ("given", 1, ["private given: uint32", "**private**", "0..4294967295"]),
    ("mine", 0, ["mine: uint32", "**private**"]),
    ("mean(", 0, ["def mean(xs)", "The sum divided by the number of elements"]),
    ("LEAST", 1, ["const LEAST = 3"]),
    ("average", 0, ["def average() -> uint32", "1 opening"]),
    ("> mine", 0, ["bool", "**private**", "0..1", "1 comparison"]),
    ("Club", 0, ["contract Club", "A club of people."]),
    ("join(", 1, ["def join(private given: uint32)", "Anyone may join once."]),
    (".RED", 0, ["Color.RED"]),
    ("p.x", 0, ["p: Point"]),
    ("len(", 0, ["len(xs)", "always public"]),
    ("sender", 0, ["sender: address"]),
    ("require", 0, ["Reverts"]),
    ("alice", 0, ["identity alice"]),
    ("n * 2", 0, ["n: uint32", "public"]),
])
def test_hover(opened: Session, part: str, number: int, wanted: list[str]) -> None:
    name, line, character = asked(opened, part, number)
    text = opened.hover(name, line, character + (1 if part.startswith(".") else 0))
    for piece in wanted:
        assert piece in text


def test_nothing_to_hover_in_comments(opened: Session) -> None:
    assert opened.hover("p.enig", 0, 4) == ""


def test_nothing_to_hover_past_the_end_of_a_line(opened: Session) -> None:
    for line, _ in enumerate(PROGRAM.split("\n")):
        assert opened.ask("textDocument/hover", opened.at("p.enig", line, 999)) is None


def test_a_hover_says_something(opened: Session) -> None:
    said = 0
    for line, text in enumerate(PROGRAM.split("\n")):
        for character in range(0, len(text) + 1, 3):
            found = opened.ask("textDocument/hover", opened.at("p.enig", line, character))
            assert found is None or found["contents"]["value"], (text, character)
            said += found is not None
    assert said > PROGRAM.count("\n")  # more than once a line


@pytest.mark.parametrize(("part", "number", "target", "which"), [
    ("amount", 1, "amount", 0),
    ("mine for", 0, "mine", 0),
    ("LEAST", 2, "LEAST", 0),
    ("join(", 1, "join(", 0),
    ("double(", 1, "double(", 0),
    ("Point(", 0, "Point", 0),
    ("Joined(sender", 0, "Joined", 0),
    ("p in people", 0, "p in people", 0),
])
def test_definition(opened: Session, part: str, number: int, target: str, which: int) -> None:
    found = opened.ask("textDocument/definition", opened.at(*asked(opened, part, number)))
    start = found["range"]["start"]
    assert found["uri"] == opened.uri("p.enig")
    assert (start["line"], start["character"]) == place_of(PROGRAM, target, which)


def test_definition_in_the_standard_library(opened: Session) -> None:
    found = opened.ask("textDocument/definition", opened.at(*asked(opened, "mean(")))
    path = ROOT / "stdlib" / "stats.enig"
    assert found["uri"] == path.as_uri()
    line = path.read_text().split("\n")[found["range"]["start"]["line"]]
    assert line.startswith("def mean(")
    module = opened.ask("textDocument/definition", opened.at(*asked(opened, "stats")))
    assert module["uri"] == path.as_uri()


def test_references(opened: Session) -> None:
    params = {**opened.at(*asked(opened, "amount", 1)), "context": {"includeDeclaration": True}}
    everywhere = opened.ask("textDocument/references", params)
    assert len(everywhere) == PROGRAM.count("amount")
    params["context"] = {"includeDeclaration": False}
    assert len(opened.ask("textDocument/references", params)) == PROGRAM.count("amount") - 1


@pytest.mark.parametrize(("part", "number", "new"), [
    ("amount", 2, "money"), ("given", 1, "sum_given"), ("mine", 1, "own"), ("LEAST", 1, "FEWEST"),
    ("x: uint32", 0, "abscissa"), ("RED", 1, "GREEN"), ("join(", 1, "enter"), ("Club", 1, "Society"),
    ("p in people", 0, "person"), ("double", 1, "twice"), ("alice", 0, "anna"), ("Joined", 1, "Came"),
])
def test_rename_keeps_the_meaning(opened: Session, part: str, number: int, new: str) -> None:
    name, line, character = asked(opened, part, number)
    changes = opened.rename(name, line, character, new)
    after = edited(PROGRAM, changes[opened.uri("p.enig")])
    assert after != PROGRAM
    assert opened.replace("p.enig", after) == []
    back = opened.rename("p.enig", *place_of(after, new), part.rstrip("(").split()[0].rstrip(":"))
    assert edited(after, back[opened.uri("p.enig")]) == PROGRAM


@pytest.mark.parametrize(("part", "new", "why"), [
    ("mine", "private", "keyword"),
    ("mine", "2fast", "not a name"),
    ("mine", "with space", "not a name"),
    ("mine", "größe", "not a name"),
    ("mine", "", "not a name"),
    ("mine", "len", "word of the language"),
    ("mine", "uint32", "word of the language"),
    ("mine", "people", "something else"),
    ("mine", "mean", "imported already"),
    ("amount", "people", "people"),
    ("given", "amount", "amount"),
    ("LEAST", "double", "double"),
    ("x: uint32", "y", "`y` already"),
    ("BLUE", "RED", "`RED` already"),
    ("p in people", "mine", "mine"),
    ("mean(", "average_of", "standard library"),
    ("stats", "statistics", "called as its file is"),
])
def test_rename_refuses(opened: Session, part: str, new: str, why: str) -> None:
    with pytest.raises(Failed, match=why):
        opened.rename(*asked(opened, part, 1 if part == "p in people" else 0), new)


def test_rename_needs_text_without_syntax_errors(opened: Session) -> None:
    opened.replace("p.enig", PROGRAM + "x = (\n")
    with pytest.raises(Failed, match="syntax errors"):
        opened.rename(*asked(opened, "mine"), "own")


def test_document_symbols(opened: Session) -> None:
    found = opened.ask("textDocument/documentSymbol", {"textDocument": {"uri": opened.uri("p.enig")}})
    assert [s["name"] for s in found] == ["LEAST", "Point", "Color", "Club", "double", "test joins"]
    club = found[3]
    assert [s["name"] for s in club["children"]] == ["amount", "people", "Joined", "join", "average", "rank"]
    assert club["children"][0]["detail"] == "private map[address, uint32]"


def test_a_syntax_error_keeps_the_last_good_symbols(opened: Session) -> None:
    broken = PROGRAM.replace("from stats import mean\n", "from stats import mean\n\nz = (1 +\n")
    assert opened.replace("p.enig", broken)
    found = opened.ask("textDocument/documentSymbol", {"textDocument": {"uri": opened.uri("p.enig")}})
    places = {s["name"]: s["selectionRange"]["start"] for s in found}
    line, character = place_of(broken, "Club")
    assert places["Club"] == {"line": line, "character": character}
    assert "private Club.amount" in opened.hover("p.enig", *place_of(broken, "amount", 2))
    target = opened.ask("textDocument/definition", opened.at("p.enig", *place_of(broken, "amount", 2)))
    assert target["range"]["start"]["line"] == place_of(broken, "amount")[0]


def test_a_document_opened_broken_has_symbols(session: Session) -> None:
    text = "def f(n: uint32) -> uint32:\n    return n\n\nx = (1 + \n"
    assert session.open("p.enig", text)
    assert "def f(n: uint32)" in session.hover("p.enig", 0, 4)


def test_inlay_hints_for_inferred_private(opened: Session) -> None:
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    asked_for = {"textDocument": {"uri": opened.uri("p.enig")}, "range": whole}
    (hint,) = opened.ask("textDocument/inlayHint", asked_for)
    line, character = place_of(PROGRAM, "mine")
    assert (hint["label"], hint["position"]) == ("private ", {"line": line, "character": character})
    asked_for["range"] = {"start": {"line": 0, "character": 0}, "end": {"line": 3, "character": 0}}
    assert opened.ask("textDocument/inlayHint", asked_for) == []


def test_formatting(session: Session) -> None:
    text = "a   =  1 # 😀\nprint( a )\n"
    session.open("p.enig", text)
    asked_for = {"textDocument": {"uri": session.uri("p.enig")}, "options": {"tabSize": 4, "insertSpaces": True}}
    after = edited(text, session.ask("textDocument/formatting", asked_for))
    assert after == "a = 1  # 😀\nprint(a)\n"
    session.replace("p.enig", after)
    assert session.ask("textDocument/formatting", asked_for) == []
    session.replace("p.enig", "a = (\n")
    assert session.ask("textDocument/formatting", asked_for) is None
    session.replace("p.enig", " \n\n")
    assert session.ask("textDocument/formatting", asked_for) == []


# -------------------------------------------------------------------------------------------------- completion


def completed(session: Session, text: str) -> dict[str, dict[str, object]]:
    """What is offered at the `|` in `text`, typed into the program that `PROGRAM` is."""
    plain = text.replace("|", "", 1)
    session.change("p.enig", {"text": plain})
    return session.complete("p.enig", *place_of(text, "|"))


def inside(place: str, typed: str) -> str:
    """PROGRAM with a line typed before `place`."""
    offset = PROGRAM.index(place)
    begin = PROGRAM.rfind("\n", 0, offset) + 1
    return PROGRAM[:begin] + " " * (offset - begin) + typed + "\n" + PROGRAM[begin:]


def test_completion_of_names(opened: Session) -> None:
    found = completed(opened, inside("return sum([", "|"))
    assert found["mine"]["detail"] == "private uint32"
    assert found["amount"]["detail"] == "private map[address, uint32]"
    assert found["people"]["detail"] == "list[address, 100]"
    assert {"LEAST", "mean", "double", "len", "reveal", "sender", "return", "for", "L", "Point", "Color"} <= set(found)
    assert "given" not in found
    assert "given" in completed(opened, inside("amount[sender] = given", "x = gi|"))
    script = completed(opened, PROGRAM + "\n|")
    assert "mine" not in script
    assert {"contract", "test", "const", "import"} <= set(script)


@pytest.mark.parametrize(("place", "typed", "wanted", "unwanted"), [
    ("p = Point", "s.|", {"join", "average", "rank", "people"}, {"amount", "Joined", "mine"}),
    ("p = Point", "s.jo|", {"join"}, {"amount"}),
    ("assert p.x", "p.|", {"x", "y"}, {"join"}),
    ("assert p.x", "c = Color.|", {"RED", "BLUE"}, {"x"}),
    ("return sum([", "self.|", {"amount", "people", "balance", "join"}, {"x"}),
    ("return sum([", "people.|", {"append", "pop"}, set()),
    ("p = Point", "L.|", {"get", "history"}, {"declassify"}),
    ("p = Point", "MPC.|", {"declassify", "set"}, {"history"}),
    ("return sum([", "x = block.|", {"number", "timestamp"}, set()),
    ("p = Point", "as |", {"alice", "bob"}, {"Point"}),
    ("p = Point", "x: |", {"uint32", "address", "Point", "Color", "private"}, {"mine"}),
    ("const LEAST", "import |", {"math", "stats", "sort"}, {"LEAST"}),
    ("const LEAST", "from stats import |", {"mean", "median"}, {"LEAST"}),
    ("const LEAST", "from sort import a|", {"argsort", "argmax"}, {"LEAST"}),
    ("p = Point", "# p.|", set(), {"x", "alice"}),
    ("p = Point", 'x = "p.|"', set(), {"x", "alice"}),
])
def test_completion_in_its_place(
    opened: Session, place: str, typed: str, wanted: set[str], unwanted: set[str],
) -> None:
    found = set(completed(opened, inside(place, typed)))
    assert wanted <= found
    assert not unwanted & found


def test_members_show_type_and_secrecy(opened: Session) -> None:
    found = completed(opened, inside("assert p.x", "p.|"))
    assert (found["x"]["detail"], found["y"]["detail"]) == ("uint32", "private uint32")


# ------------------------------------------------------------------------------------------------ code actions


@pytest.mark.parametrize(("text", "code", "wanted"), [
    ('private a = 41\nprint("😀", a)\n', "E0301", 'print("😀", reveal(a))'),
    ("private a: uint32 = 41\nb: uint8 = a\nprint(reveal(b))\n", "E0401", "b: uint8 = clamp(a)"),
    ("private a: uint32 = 41\nb: uint8 = a\nprint(reveal(b))\n", "E0401", "b: uint8 = wrap(a)"),
    ('private a: uint32 = 41\nrequire a > 3, "small"\n', "E0302", 'require reveal(a > 3), "small"'),
])
def test_code_actions(session: Session, text: str, code: str, wanted: str) -> None:
    (wrong,) = session.open("p.enig", text)
    assert wrong["code"] == code
    actions = session.ask("textDocument/codeAction", {
        "textDocument": {"uri": session.uri("p.enig")}, "range": wrong["range"], "context": {"diagnostics": [wrong]}})
    after = [edited(text, action["edit"]["changes"][session.uri("p.enig")]) for action in actions]
    (better,) = [t for t in after if wanted in t]
    assert session.replace("p.enig", better) == []


def test_no_code_actions_elsewhere(session: Session) -> None:
    session.open("p.enig", "private a = 41\nprint(a)\n")
    start = {"line": 0, "character": 0}
    assert session.ask("textDocument/codeAction", {
        "textDocument": {"uri": session.uri("p.enig")}, "range": {"start": start, "end": start},
        "context": {"diagnostics": []}}) == []


# ---------------------------------------------------------------------------------------------- several files


LIBRARY = "const RATE = 3\n\ndef grown(n: uint32) -> uint32:\n    \"\"\"Grows n.\"\"\"\n    return n * 2\n"
USER = "from library import grown, RATE as FACTOR\nimport library\nprint(grown(4), FACTOR, library.grown(1))\n"


def test_imports_of_unsaved_buffers(session: Session) -> None:
    (missing, *_) = session.open("main.enig", USER)
    assert missing["code"] == "E0103"
    session.open("library.enig", LIBRARY)
    assert session.diagnostics("main.enig") == []
    assert "Grows n." in session.hover("main.enig", *place_of(USER, "grown(4"))
    found = session.ask("textDocument/definition", session.at("main.enig", *place_of(USER, "grown(1")))
    assert (found["uri"], found["range"]["start"]["line"]) == (session.uri("library.enig"), 2)
    session.replace("library.enig", LIBRARY.replace("grown", "shrunk"))
    assert {d["code"] for d in session.diagnostics("main.enig")} == {"E0105"}


def test_an_error_in_an_imported_file_is_told_at_the_import(session: Session, folder: Path) -> None:
    (folder / "library.enig").write_text("const RATE = (\n")
    found = session.open("main.enig", "a = 1\nfrom library import RATE\nprint(RATE)\n")
    told = [d for d in found if "library.enig" in d["message"]]
    assert told
    assert told[0]["range"]["start"]["line"] == 1
    assert told[0]["relatedInformation"][0]["location"]["uri"] == session.uri("library.enig")


def test_rename_over_files(session: Session, folder: Path) -> None:
    """One file is open, one has unsaved changes, one lies on the disk only."""
    (folder / "library.enig").write_text(LIBRARY)
    (folder / "other.enig").write_text("import library\nprint(library.grown(n=5))\n")
    (folder / "unrelated.enig").write_text("def grown(n: uint32) -> uint32:\n    return n\nprint(grown(1))\n")
    session.open("main.enig", USER)
    changes = session.rename("main.enig", *place_of(USER, "grown(4"), "bigger")
    assert set(changes) == {session.uri(n) for n in ("main.enig", "library.enig", "other.enig")}
    assert edited(USER, changes[session.uri("main.enig")]) == USER.replace("grown", "bigger")
    assert edited(LIBRARY, changes[session.uri("library.enig")]) == LIBRARY.replace("grown", "bigger")
    changes = session.rename("main.enig", *place_of(USER, "FACTOR"), "TIMES")
    assert edited(USER, changes[session.uri("main.enig")]) == USER.replace("FACTOR", "TIMES")
    session.open("library.enig", LIBRARY)
    changes = session.rename("library.enig", *place_of(LIBRARY, "n: uint32"), "count")
    other = (folder / "other.enig").read_text()
    assert edited(other, changes[session.uri("other.enig")]) == other.replace("n=5", "count=5")
    with pytest.raises(Failed, match="library"):
        session.rename("library.enig", *place_of(LIBRARY, "grown"), "library")


# ------------------------------------------------------------------------------------------------ large files


def test_questions_right_after_a_change(session: Session) -> None:
    """In a file of 2,000 lines they are answered for the new places, whether the change is compiled yet or not."""
    part = PROGRAM[PROGRAM.index("contract"):PROGRAM.index("def double")]
    text = "from stats import mean\nconst LEAST = 3\n" + "".join(
        part.replace("Club", f"Club{n}") for n in range(2000 // part.count("\n") + 1))
    assert text.count("\n") >= 2000
    assert session.open("p.enig", text) == []
    place = place_of(text, "mine", 40)
    start = {"line": 2, "character": 0}
    session.change("p.enig", {"range": {"start": start, "end": start}, "text": "x = nothing\n"})
    assert "**private**" in session.hover("p.enig", place[0] + 1, place[1])
    assert "mine" in session.complete("p.enig", place[0] + 1, place[1])
    (unknown,) = session.diagnostics("p.enig")
    assert unknown["code"] == "E0101"
    assert "**private**" in session.hover("p.enig", place[0] + 1, place[1])


def test_places_are_those_of_the_document(session: Session) -> None:
    """The compiler reads the document with room between its statements, and nobody may notice, however it changes."""
    text = PROGRAM
    assert session.open("p.enig", text) == []
    for number in range(30):  # more lines than there is room for
        start = {"line": place_of(text, "contract")[0], "character": 0}
        session.change("p.enig", {"range": {"start": start, "end": start}, "text": "\n\n"})
        text = text.replace("contract", "\n\ncontract", 1)
        place = place_of(text, "mine", 1)
        if number % 10 == 0:
            assert session.diagnostics("p.enig") == []
            assert "**private**" in session.hover("p.enig", *place)
    end = {"line": text.count("\n"), "character": 0}
    session.change("p.enig", {"range": {"start": end, "end": end}, "text": "y = nothing\n"})
    (unknown,) = session.diagnostics("p.enig")
    assert unknown["range"]["start"] == {"line": end["line"], "character": 4}
    for symbol in session.ask("textDocument/documentSymbol", {"textDocument": {"uri": session.uri("p.enig")}}):
        line = text.split("\n")[symbol["selectionRange"]["start"]["line"]] if symbol["name"] != "y" else "y"
        assert symbol["name"].removeprefix("test ") in line


# --------------------------------------------------------------------------------------------- every example


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_is_served(session: Session, path: Path) -> None:
    """Opened without errors; hovered at every word; the other questions asked of the whole."""
    text = path.read_text()
    session.root = path.parent
    found = session.open(path.name, text)
    assert [d for d in found if d["severity"] == 1] == []
    shown = 0
    for number, line in enumerate(text.split("\n")):
        words = [i for i, c in enumerate(line) if c.isidentifier() and (i == 0 or not line[i - 1].isidentifier())]
        for character in words:
            shown += bool(session.hover(path.name, number, len(line[:character].encode("utf-16-le")) // 2))
    assert shown > 3
    document = {"textDocument": {"uri": session.uri(path.name)}}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": text.count("\n"), "character": 0}}
    assert session.ask("textDocument/documentSymbol", document)
    session.ask("textDocument/inlayHint", {**document, "range": whole})
    session.ask("textDocument/codeAction", {**document, "range": whole, "context": {"diagnostics": []}})
    edits = session.ask("textDocument/formatting", {**document, "options": {"tabSize": 4, "insertSpaces": True}})
    assert session.replace(path.name, edited(text, edits)) == found
    for number, line in enumerate(text.split("\n")):
        if line.strip():
            session.complete(path.name, number, len(line))
