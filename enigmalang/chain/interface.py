"""Calling a contract by its ABI: names and values to bytes, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enigmalang.chain.decoding import decode
from enigmalang.ethereum.hashing import keccak256


@dataclass(frozen=True, slots=True)
class Method:
    """A function: its selector, and the ABI types of what goes in and comes out."""

    name: str
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def encode(self, args: Sequence[Any]) -> bytes:
        """Call data. `args`: Python data; structs as tuples, addresses as 0x-hex."""
        from eth_abi.abi import encode

        return self.selector + encode(self.inputs, tuple(args))

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """What came back, a value for each output."""
        return decode(self.outputs, data)


@dataclass(frozen=True, slots=True)
class EventType:
    """An event: its topic, and its fields with their ABI types."""

    name: str
    topic: bytes
    indexed: tuple[tuple[str, str], ...]
    plain: tuple[tuple[str, str], ...]

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """The fields by name; an indexed one that is no value of 32 bytes comes as its hash."""
        found: dict[str, Any] = {}
        for (name, type), topic in zip(self.indexed, topics[1:], strict=True):
            found[name] = decode([type], topic)[0] if is_word(type) else topic
        found.update(zip((name for name, _ in self.plain), decode([t for _, t in self.plain], data), strict=True))
        return found


class Interface:
    """The functions and events of one ABI; of overloads (default arguments) the longest."""

    def __init__(self, abi: Sequence[Mapping[str, Any]]) -> None:
        self.methods: dict[str, Method] = {}
        self.events: dict[bytes, EventType] = {}
        self.constructor: tuple[str, ...] = ()
        for entry in abi:
            match entry["type"]:
                case "function":
                    self._function(entry)
                case "constructor":
                    self.constructor = tuple(map(type_text, entry["inputs"]))
                case "event":
                    self._event(entry)
                case _:
                    pass

    def _function(self, entry: Mapping[str, Any]) -> None:
        inputs, outputs = (tuple(map(type_text, entry[side])) for side in ("inputs", "outputs"))
        selector = keccak256(f"{entry['name']}({','.join(inputs)})".encode())[:4]
        known = self.methods.get(entry["name"])
        if known is None or len(known.inputs) < len(inputs):
            self.methods[entry["name"]] = Method(entry["name"], selector, inputs, outputs)

    def _event(self, entry: Mapping[str, Any]) -> None:
        fields = [(f["name"], type_text(f), f["indexed"]) for f in entry["inputs"]]
        topic = keccak256(f"{entry['name']}({','.join(type for _, type, _ in fields)})".encode())
        self.events[topic] = EventType(
            entry["name"], topic, tuple((n, t) for n, t, indexed in fields if indexed),
            tuple((n, t) for n, t, indexed in fields if not indexed))

    def event(self, name: str) -> EventType:
        """The event called `name`; KeyError if there is none."""
        for found in self.events.values():
            if found.name == name:
                return found
        raise KeyError(name)


def type_text(entry: Mapping[str, Any]) -> str:
    """The ABI type as signatures have it: structs as tuples of their fields."""
    type: str = entry["type"]
    if not type.startswith("tuple"):
        return type
    return f"({','.join(map(type_text, entry['components']))}){type[5:]}"


def is_word(type: str) -> bool:
    """Whether a value takes one word, so that an indexed event field shows it."""
    return not (type.endswith("]") or type.startswith("(") or type in ("string", "bytes"))
