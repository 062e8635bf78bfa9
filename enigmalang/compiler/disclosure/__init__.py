"""Who learns what of a program: the leakage manifest (language.md §5)."""

from enigmalang.compiler.disclosure.compare import Comparison, compare
from enigmalang.compiler.disclosure.manifest import Audience, Disclosed, Entry, Kind, Manifest, Place
from enigmalang.compiler.disclosure.places import no_source
from enigmalang.compiler.disclosure.program import kind_of, manifest_of
from enigmalang.compiler.disclosure.saved import ManifestError, comparison_data, dump_manifest, load_manifest
from enigmalang.compiler.disclosure.text import print_comparison, print_manifest

__all__ = [
    "Audience",
    "Comparison",
    "Disclosed",
    "Entry",
    "Kind",
    "Manifest",
    "ManifestError",
    "Place",
    "compare",
    "comparison_data",
    "dump_manifest",
    "kind_of",
    "load_manifest",
    "manifest_of",
    "no_source",
    "print_comparison",
    "print_manifest",
]
