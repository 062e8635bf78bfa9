"""How a committee came to be: what its members consented to, which names it whatever number it has."""

from dataclasses import dataclass

from enigmalang.chain.hub import Hub, hub_interface
from enigmalang.ethereum.words import number_word


@dataclass(frozen=True, slots=True)
class Formation:
    """Committee `number`, formed in `block`. `consent` is the digest that its members signed (`digests.consent_digest`,
    32 bytes): no other committee has it, on any branch of the chain; a number may be another one's there."""

    number: int
    members: tuple[str, ...]
    threshold: int
    rotation: int
    consent: bytes
    block: int


def formation(hub: Hub, number: int, first: int, block: int) -> Formation | None:
    """Of committee `number`, when it was formed in blocks `first` to `block`. Raises ChainError."""
    event = hub_interface().event("Formed")
    log = hub.chain.last_log(hub.address, [event.topic, number_word(number)], first, block)
    if log is None:
        return None
    fields = event.decode(log.topics, log.data)
    return Formation(number, tuple(str(member).lower() for member in fields["members"]), int(fields["threshold"]),
                     int(fields["rotation"]), bytes(fields["consent"]), log.block)
