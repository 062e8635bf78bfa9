"""Values for one receiver: sealed to its key by the nodes, opened at the client that holds the key."""

from collections.abc import Sequence

from enigmalang.execute.domain import Domain, Envelope
from enigmalang.execute.machine import Context
from enigmalang.execute.secret import Secret
from enigmalang.execute.values import show
from enigmalang.execute.world import World
from enigmalang.ir.ir import Tensor
from enigmalang.types.types import ListT, Type


def seals_of(world: World, context: Context) -> list[tuple[Secret, Tensor, bytes]]:
    """What must be sealed for the deliveries of `context`; receivers without a local key get nothing here."""
    made = []
    for secret, type, address in context.deliveries:
        identity = world.identities.at(address)
        if identity is not None:
            made.append((secret, type, identity.public_key))
    return made


def announce(world: World, domain: Domain, context: Context, envelopes: Sequence[Envelope]) -> None:
    """Open what local identities received, and say what each learnt."""
    known = [d for d in context.deliveries if world.identities.at(d[2]) is not None]
    for (_, type, address), envelope in zip(known, envelopes, strict=True):
        identity = world.identities.at(address)
        assert identity is not None
        value = domain.unseal(envelope, identity.private_key)
        world.learn(address, show([value], language_type(type)))
    context.deliveries.clear()


def deliver_all(world: World, domain: Domain, context: Context) -> None:
    """Seal, send and announce at once (scripts)."""
    announce(world, domain, context, domain.finish((), seals_of(world, context)))


def language_type(type: Tensor) -> Type:
    """A leaf's type as the language writes it."""
    made: Type = type.element
    for _ in range(type.rank):
        made = ListT(made, None)
    return made


