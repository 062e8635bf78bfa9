"""What a change discloses anew, and no longer: entries compared as sets with multiplicity, whatever their lines."""

from collections import Counter
from dataclasses import dataclass

from enigmalang.compiler.disclosure.manifest import Disclosed, Entry, Manifest


@dataclass(frozen=True, slots=True)
class Comparison:
    """Entries that only one of two manifests has, each with its function's name.

    `narrowed`: what both have, and fewer may now bring about than in the older one.
    """

    new: tuple[tuple[str, Entry], ...]
    gone: tuple[tuple[str, Entry], ...]
    narrowed: tuple[tuple[str, Entry], ...] = ()


def compare(old: Manifest, new: Manifest) -> Comparison:
    """Functions are matched by name. An entry is the same when all but its lines is: also what it is computed from.

    What more may bring about than before (a guard of a setter is gone) is new; what fewer may is narrowed.
    """
    before = {f.name: f for f in old.functions}
    after = {f.name: f for f in new.functions}
    fresh = [(f.name, e) for f in new.functions for e in _only(f, before.get(f.name))]
    gone = [(f.name, e) for f in old.functions for e in _only(f, after.get(f.name))]
    narrowed = []
    for name, entry in list(fresh):
        other = next((e for n, e in gone if n == name and e.permits and e.unguarded == entry.unguarded), None)
        if entry.permits and other is not None and not entry.widens(other):
            narrowed.append((name, entry))
            fresh.remove((name, entry))
            gone.remove((name, other))
    return Comparison(tuple(fresh), tuple(gone), tuple(narrowed))


def _only(ours: Disclosed, theirs: Disclosed | None) -> list[Entry]:
    left = Counter(e.identity for e in theirs.entries) if theirs is not None else Counter[tuple[object, ...]]()
    found = []
    for entry in ours.entries:
        if left[entry.identity]:
            left[entry.identity] -= 1
        else:
            found.append(entry)
    return found
