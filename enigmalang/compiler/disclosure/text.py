"""The manifest as text, made for review: by function, then by who learns, in the order of the lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from enigmalang.compiler.disclosure.compare import Comparison
from enigmalang.compiler.disclosure.manifest import Disclosed, Entry, Manifest

#: Longer expressions are cut in the text; JSON has them whole.
WIDTH = 96
#: So many secrets are named.
MOST = 12
_INDENT = " " * 17


def print_manifest(manifest: Manifest) -> str:
    title = f"{manifest.file}: who learns what\n(what everyone learns, callers and nodes learn as well)"
    parts = [title, *(_function(f) for f in manifest.functions)]
    if not manifest.functions:
        parts.append("nothing runs here: no contract, and no statements")
    return "\n\n".join(parts) + "\n"


def _function(function: Disclosed) -> str:
    lines = [f"{function.signature}  ({function.kind}, line {function.line})"]
    for audience in function.audiences():
        lines.append(f"  {audience}")
        for entry in function.entries:
            if entry.audience == audience:
                lines += entry_lines(entry)
    if not function.entries:
        lines.append("  nobody learns anything that is not public already")
    return "\n".join(lines)


def entry_lines(entry: Entry) -> Iterator[str]:
    """What is learnt and where; then the source's text; then what it comes from."""
    yield f"    {entry.kind:9}  {f'{entry.line}: ':5}{entry.what}"
    if entry.at.text:
        place = f"{entry.at}: " if entry.at.file else ""
        yield f"{_INDENT}    {place}{cut(entry.at.text)}"
    for name, values in (
        ("via", [f"{place}: {cut(place.text)}" if place.text else str(place) for place in entry.via]),
        ("from", [_several(entry.secrets)] if entry.secrets else []),
        ("computed by", [cut(step) for step in entry.steps]),
        ("only if", [cut(guard) for guard in entry.guards]),
        ("depends on", [cut(source) for source in entry.after]),
    ):
        for value in values:
            yield f"{_INDENT}    - {name} {value}"


def _several(names: Sequence[str]) -> str:
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")


def cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def print_comparison(comparison: Comparison) -> str:
    lines = [*_changes("newly disclosed", "+", comparison.new, comparison.gone),
             *_changes("no longer disclosed", "-", comparison.gone, comparison.new),
             *_changes("as before, but fewer may do it", " ", comparison.narrowed, ())]
    return "\n".join(lines or ["nothing is newly disclosed"]) + "\n"


def _changes(title: str, sign: str, entries: Iterable[tuple[str, Entry]],
             opposite: Sequence[tuple[str, Entry]]) -> Iterator[str]:
    where = None
    others = {replace(e, made="", at=replace(e.at, line=0)) for _, e in opposite}
    for name, entry in entries:
        if where is None:
            yield f"{title}:"
        if (name, entry.audience) != where:
            where = name, entry.audience
            yield f"  {name}, {entry.audience}"
        for line in entry_lines(entry):
            yield sign + line[1:]
        if entry.permits and any(n == name and e.unguarded == entry.unguarded for n, e in opposite):
            yield f"{sign}{_INDENT[1:]}    - the conditions for it differ: perhaps others may bring it about"
        elif replace(entry, made="", at=replace(entry.at, line=0)) in others:
            yield f"{sign}{_INDENT[1:]}    - in the same words, but computed in another way"
