"""What a change discloses anew, and no longer: entries compared as sets with multiplicity, whatever their lines."""

from collections import Counter
from dataclasses import dataclass

from enigmalang.compiler.disclosure.manifest import Disclosed, Entry, Manifest


@dataclass(frozen=True, slots=True)
class Comparison:
    """Entries that only one of two manifests has, each with its function's name."""

    new: tuple[tuple[str, Entry], ...]
    gone: tuple[tuple[str, Entry], ...]


def compare(old: Manifest, new: Manifest) -> Comparison:
    """Functions are matched by name. An entry is the same when all but its lines is: also what it is computed from."""
    before = {f.name: f for f in old.functions}
    after = {f.name: f for f in new.functions}
    return Comparison(
        tuple((f.name, e) for f in new.functions for e in _only(f, before.get(f.name))),
        tuple((f.name, e) for f in old.functions for e in _only(f, after.get(f.name))),
    )


def _only(ours: Disclosed, theirs: Disclosed | None) -> list[Entry]:
    left = Counter(e.identity for e in theirs.entries) if theirs is not None else Counter[tuple[object, ...]]()
    found = []
    for entry in ours.entries:
        if left[entry.identity]:
            left[entry.identity] -= 1
        else:
            found.append(entry)
    return found
