"""A committee for a contract that is about to be deployed: asked for at a node, drawn by the chain, checked here.

The node that is asked cannot choose the committee: it is repeated here from the chain, with a nonce of ours and a block
that was not there when we asked (`node.draws` says what is left to it).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic, sleep
from typing import Any

from enigmalang.chain import development
from enigmalang.chain.client import Chain
from enigmalang.chain.digests import Signature, consent_digest, signer
from enigmalang.chain.errors import ChainError
from enigmalang.chain.hub import Hub
from enigmalang.chain.memory import FUNDS
from enigmalang.identity.keys import Identity
from enigmalang.node.draws import DRAWS, WITHIN, Drawing
from enigmalang.node.networks import Network
from enigmalang.node.reaching import NodesLine, Unanswered
from enigmalang.node.remote import RemoteError, Service, active_nodes, service_of
from enigmalang.node.reserved import unhex
from enigmalang.node.teams import as_signature
from enigmalang.transport.peering.contacts import Contact

#: Members of a committee, when nothing is said: the fewest that can compute.
SIZE = 3
#: Seconds that a node may take to form one, and for all that are asked together; blocks that others may be ahead.
ANSWER_SECONDS, SECONDS, AHEAD = 90.0, 180.0, 8
#: For as long nodes may be about to register.
FEW_SECONDS = 15.0
_NOBODY = "ask who runs the nodes"


class _Refused(Exception):
    """What a node gave is no committee; the text says why."""


def with_committee(chain: Chain, network: Network, identity: Identity, field: str,
                   say: Callable[[str], None] = lambda text: None, size: int = SIZE, rotation: int = 0) -> Network:
    """`network` with a new committee of `size` nodes, which computes over `field`, and serves `rotation` jobs of a
    contract (0: any number); `identity` pays for the transaction. Raises RemoteError, ChainError."""
    if identity.signing is None:
        raise RemoteError("E0710", f"{identity.name} has no key of its own")
    hub = Hub(chain, network.hub)
    if chain.development and not chain.balance(identity.address):
        development.fund(chain, identity.address, FUNDS)
    began, reason = monotonic(), "nobody is there"
    while monotonic() - began < SECONDS:
        contacts = active_nodes(hub)
        if len(contacts) < size and monotonic() - began > FEW_SECONDS:
            raise RemoteError("E0709", f"a committee of {size} was asked for, and {len(contacts)} nodes are registered "
                              f"on the hub {hub.address}",
                              "ask for a smaller one with `--committee`, or start more nodes")
        for contact in contacts if len(contacts) >= size else ():
            try:
                drawing, members, until, signatures = _asked(hub, contact, size, (size - 1) // 2, rotation)
            except (Unanswered, _Refused, ChainError) as error:
                reason = str(error)
                continue
            number = hub.form(identity.signing, members, drawing.threshold, drawing.salt(), until, signatures,
                              rotation)
            say(f"committee {number} was drawn: {len(members)} nodes, any {drawing.threshold} of which learn nothing")
            return replace(network, committee=number, nodes=members, threshold=drawing.threshold, field=field)
        sleep(1.0)
    raise RemoteError("E0709", f"the nodes of the hub {hub.address} form no committee: {reason}", _NOBODY)


def service_at(chain: Chain, network: Network) -> Service:
    """What answers for the network's committee. Raises RemoteError."""
    if network.socket:
        return Service.at_socket(network.socket)
    found = service_of(Hub(chain, network.hub), network.committee)
    if found is None:
        raise RemoteError("E0709", f"no node of committee {network.committee} answers", _NOBODY)
    return found


def _asked(hub: Hub, contact: Contact, size: int, threshold: int, rotation: int
           ) -> tuple[Drawing, tuple[str, ...], int, Sequence[Signature]]:
    """A committee as one node forms it. Raises Unanswered, ChainError (what the node refuses, too), _Refused."""
    nonce, before = secrets.token_bytes(32), hub.chain.block_number()
    line = NodesLine(lambda: [contact], ANSWER_SECONDS)
    try:
        answer = line.request("enigma_form", [size, threshold, "0x" + nonce.hex(), rotation])
    finally:
        line.close()
    try:
        found = _read(answer, contact, nonce, size, threshold)
    except (KeyError, TypeError, ValueError) as error:
        raise _Refused(f"{contact.address} told nonsense ({type(error).__name__})") from None
    drawing, members, until, signatures = found
    if not before < drawing.block <= before + WITHIN + AHEAD or not 0 <= drawing.number < DRAWS:
        raise _Refused(f"{contact.address} drew at another time")
    if members != drawing.members(hub):
        raise _Refused(f"{contact.address} names a committee that was not drawn")
    digest = consent_digest(hub.domain, members, threshold, drawing.salt(), until, rotation)
    if [signer(digest, each) for each in signatures] != list(members):
        raise _Refused(f"{contact.address} names a committee whose members do not agree")
    return found


def _read(answer: Mapping[str, Any], contact: Contact, nonce: bytes, size: int, threshold: int
          ) -> tuple[Drawing, tuple[str, ...], int, Sequence[Signature]]:
    drawing = Drawing(contact.address, nonce, size, threshold, int(answer["block"]), int(answer["number"]))
    members = tuple(str(member).lower() for member in answer["members"])
    return drawing, members, int(answer["until"]), [as_signature(unhex(each)) for each in answer["signatures"]]
