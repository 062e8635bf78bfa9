"""A manifest as JSON, and back."""

import json
from typing import Any

from enigmalang.compiler.disclosure.compare import Comparison
from enigmalang.compiler.disclosure.manifest import Disclosed, Entry, Kind, Manifest, Place

FORMAT = "enigma disclosure 1"


class ManifestError(Exception):
    """The text is not a saved manifest; the message says why."""


def manifest_data(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON data."""
    return {"format": FORMAT, "file": manifest.file, "functions": [_disclosed_data(f) for f in manifest.functions]}


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """What a change discloses anew and no longer, and what fewer may do, as JSON data."""
    def told(pairs: tuple[tuple[str, Entry], ...]) -> list[dict[str, Any]]:
        return [{"function": name, **_entry_data(entry)} for name, entry in pairs]

    return {"new": told(comparison.new), "gone": told(comparison.gone), "narrowed": told(comparison.narrowed)}


def _disclosed_data(function: Disclosed) -> dict[str, Any]:
    return {"name": function.name, "signature": function.signature, "kind": function.kind, "line": function.line,
            "learns": [_entry_data(e) for e in function.entries]}


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {"who": entry.audience, "kind": str(entry.kind), **_place_data(entry.at), "what": entry.what,
            "via": [_place_data(p) for p in entry.via], "from": list(entry.secrets), "computed_by": list(entry.steps),
            "depends_on": list(entry.after), "only_if": list(entry.guards), "made": entry.made}


def _place_data(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "text": place.text}


def dump_manifest(manifest: Manifest) -> str:
    return json.dumps(manifest_data(manifest), indent=1, ensure_ascii=False) + "\n"


def load_manifest(text: str) -> Manifest:
    """The manifest that `dump_manifest` wrote. Raises ManifestError."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ManifestError(f"not a manifest: its format is not {FORMAT!r}")
        return Manifest(_text(data["file"]), tuple(_disclosed(f) for f in data["functions"]))
    except RecursionError:
        raise ManifestError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ManifestError(f"not JSON: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestError(f"malformed: {error}") from None


def _disclosed(data: dict[str, Any]) -> Disclosed:
    return Disclosed(_text(data["name"]), _text(data["signature"]), _text(data["kind"]), _number(data["line"]),
                     tuple(_entry(e) for e in data["learns"]))


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(_text(data["who"]), Kind(data["kind"]), _place(data), _text(data["what"]),
                 tuple(_place(p) for p in data["via"]), _texts(data["from"]), _texts(data["computed_by"]),
                 _texts(data["depends_on"]), _texts(data["only_if"]), _text(data["made"]))


def _place(data: dict[str, Any]) -> Place:
    return Place(_text(data["file"]), _number(data["line"]), _text(data["text"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ValueError(f"{values!r} is no list")
    return tuple(_text(v) for v in values)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{value!r} is no line")
    return value
