"""What a member does in a hand-over that another one leads: it gets ready, deals its shares, or receives new ones.

Nothing that the leader says is taken on trust. An old member sees for itself that the hand-over is due, that the
successor was drawn (or has the same members), and that what is dealt is state that the committee signed, whatever the
contract says of it; it deals to that successor alone. A new member takes what t + 1 dealers dealt under one description
(`mpc.reshare` compares), keeps it on its disk, and signs only when its committee has met, so that it can serve. Then
the chain decides (`applying`).

All of this is read from blocks that are final for the node, and what is signed names the successor by its number, under
which its members keep the shares, and by what these consented to: after a reorganisation that goes deeper all the same,
the hub takes it for that committee under that number, or not at all.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from time import monotonic
from typing import Protocol

from enigmalang.chain.digests import handover_digest
from enigmalang.chain.errors import ChainError, ChainUnreachable
from enigmalang.chain.formations import Formation, formation
from enigmalang.chain.hub import Attachment
from enigmalang.diagnostics import EnigmaError
from enigmalang.fields import field_named
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.forming import Forming
from enigmalang.node.daemon.seats.handing.due import Facts, Reason, Rules, agrees
from enigmalang.node.daemon.seats.handing.holding import Holds
from enigmalang.node.daemon.seats.handing.moving import Parcel, Party, kinds_to_move, mask_text, moved
from enigmalang.node.daemon.seats.handing.successors import purpose
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.masks import Giver
from enigmalang.node.daemon.seats.meshes import SILENT
from enigmalang.node.daemon.seats.recovering import kept_keys
from enigmalang.node.draws import ATTEMPTS, GRACE, day_of, successor_nonce
from enigmalang.node.durable import points
from enigmalang.node.durable.errors import StateError
from enigmalang.node.durable.handed import Handed
from enigmalang.node.durable.handover import decode_layout, encode_layout, filled, shares_of, state_at
from enigmalang.node.durable.masks import Given
from enigmalang.node.durable.settling import SettledRoots, chain_root
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.node.reserved import split_mask
from enigmalang.plan.codec import PlanError
from enigmalang.sharing import ArithShare, Share
from enigmalang.sharing.structure import structure
from enigmalang.transport.network import PeerError
from enigmalang.transport.peering.errors import PeeringError, Refusal
from enigmalang.wire.check import FIELDS

#: Open jobs whose masks move with a contract, at most; the others' clients are told to mask again.
MASKS = 256
#: Runs of one hand-over whose shares a new member keeps, at most: it signed each of them.
RUNS = 3
#: Seconds that a job which was computed has to come to the chain before its contract moves.
SETTLES = 10.0


class Serving(Protocol):
    """A seat of this node in a committee."""

    @property
    def place(self) -> Place: ...

    @property
    def state(self) -> CommitteeState: ...

    @property
    def giver(self) -> Giver: ...

    @property
    def holds(self) -> Holds: ...

    @property
    def busy(self) -> bool:
        """Whether a job is being computed."""
        ...

    def facts(self, contract: str, block: int) -> Facts | None:
        """None when the committee does not serve the contract."""
        ...

    @property
    def plan_of(self) -> Callable[[bytes], bytes]:
        """A plan by its hash. It raises KeyError when nobody has it."""
        ...

    @property
    def field_of(self) -> Callable[[bytes], str]:
        """What a plan computes over. It raises KeyError when nobody has it, PlanError."""
        ...

    def masks_of(self, contract: str, plan: bytes) -> "list[OpenMask]":
        """Those of the contract's open jobs that can be computed. Raises ChainError, PlanError."""
        ...

    def recover(self, contract: str, field: str, root: bytes) -> bool:
        """Get private state that is missing here from the others: whether it was got. Raises StateError."""
        ...


@dataclass(frozen=True, slots=True)
class OpenMask:
    """The mask of an open job: its name, and who it has to be of."""

    job: int
    mask: int
    size: int
    owner: str


class Taking:
    """A node's part in hand-overs that others lead, and in its own. Threads may share one."""

    def __init__(self, here: Here, rules: Rules, served: Callable[[], Mapping[int, Serving]], forming: Forming,
                 at: points.Hook = points.unwatched) -> None:
        self._here, self._rules, self._served, self._forming, self._at = here, rules, served, forming, at
        self.last = ""  # for people: the hand-over that this node signed last
        self._lock = threading.Lock()
        self._under_way: set[tuple[str, int, str]] = set()
        self._settled = SettledRoots(here.hub)

    # ---- the first step: an old member says what it has

    def ready(self, peer: str, request: sm.Ready) -> sm.Readied:
        """Raises Refusal."""
        member = self._old(peer, request.committee)
        try:
            with self._once("ready", request.committee, peer):
                return self._ready(member, peer, request)
        except (ChainError, StateError, PlanError, KeyError) as error:
            raise Refusal(str(error)) from None

    def _ready(self, member: Serving, peer: str, request: sm.Ready) -> sm.Readied:
        here, contract = self._here, request.contract
        facts = member.facts(contract, self._block())
        if facts is None:
            raise Refusal("the committee does not serve that contract")
        if not agrees(_reason(request.reason), facts, self._rules):
            raise Refusal(f"for this node no hand-over is due because {request.reason}")
        if request.successor:
            successor = self._formed(request.successor)
            self._check_successor(member.place, peer, request, facts, successor)
            if not member.holds.hold(contract, here.pace.hand, peer, successor.consent):
                raise Refusal("it has kept the contract from its jobs for long enough today")
            attached = self._quiet(member, contract)
        else:  # nobody forms anything before this is known to lead somewhere
            attached = here.hub.attachment(contract, self._block())
        field = member.field_of(attached.plan)
        root = self._root(member, contract)
        if state_at(member.state, contract, root) is None:
            member.recover(contract, field, root)
        values = state_at(member.state, contract, root)
        if values is None:
            raise Refusal("this node has not the contract's private state")
        masks = [(each.job, each.size, each.owner, given.receiver)
                 for each in member.masks_of(contract, attached.plan)[:MASKS]
                 if (given := _given(member, each)) is not None]
        return sm.Readied(attached.settled, root, encode_layout(values), masks)

    def _quiet(self, member: Serving, contract: str) -> Attachment:
        """Wait until nothing is computed, and what was is on the chain, or late; how the contract stands then."""
        began, hub = monotonic(), self._here.hub
        while True:
            attached = hub.attachment(contract, self._block())
            signed = any(stage.job == attached.oldest for stage in member.state.staged(contract))
            over = monotonic() - began
            if not (member.busy and over < self._here.pace.hand / 2) and not (signed and over < SETTLES):
                return attached
            if self._here.stop.wait(self._here.pace.poll):
                raise Refusal("the node is stopping")

    def _formed(self, number: int) -> Formation:
        """A committee that is final for this node, or is soon. Raises Refusal, ChainError."""
        began, here, hub = monotonic(), self._here, self._here.hub
        while not hub.committee(number, self._block()).members:
            if monotonic() - began > here.pace.behind or here.stop.wait(here.pace.poll):
                raise Refusal("there is no such successor")
        found = formation(hub, number, hub.first_block(), self._block())
        if found is None:
            raise Refusal("nothing is known of how the successor was formed")
        return found

    def _check_successor(self, place: Place, peer: str, request: sm.Ready, facts: Facts, successor: Formation) -> None:
        """That nobody chose the successor: it has the same members, or was drawn."""
        here, members = self._here, successor.members
        present = here.hub.committee(request.successor, self._block()).present
        if successor.threshold != place.threshold or len(members) != len(place.members) or present != len(members):
            raise Refusal("the successor is of another size")
        reason, drawn = _reason(request.reason), request.drawn
        if reason is Reason.REFRESH and members == place.members:
            return
        today, before = day_of(here.hub.chain), day_of(here.hub.chain, GRACE)
        if not drawn.block or not before <= drawn.day <= today or not 0 <= drawn.attempt < ATTEMPTS:
            raise Refusal("the successor was not drawn today")
        nonce = successor_nonce(place.committee, purpose(reason, request.contract, facts.served), drawn.day,
                                drawn.attempt)
        if members != self._forming.drawn(peer, nonce, drawn.block, drawn.number, place.members, place.threshold):
            raise Refusal("the successor was not drawn")

    # ---- the second step: shares are dealt, received, kept and signed for

    def hand(self, peer: str, request: sm.Hand) -> sm.Handed:
        """Raises Refusal."""
        with self._once("hand", request.committee, peer):
            return self._hand(peer, request)

    @contextmanager
    def _once(self, step: str, committee: int, peer: str) -> Iterator[None]:
        """One at a time for each member: nobody makes this node wait in many threads, or others wait for it. Raises
        Refusal."""
        asked = step, committee, peer
        with self._lock:
            if asked in self._under_way:
                raise Refusal("a hand-over that this node asked for is under way")
            self._under_way.add(asked)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(asked)

    def _hand(self, peer: str, request: sm.Hand) -> sm.Handed:
        here = self._here
        old = self._served().get(request.committee)
        try:
            giving = self._giving(peer, request)
            successor = self._formed(request.successor)
            new = self._new(successor)
            dealer = old is not None and old.place.me in request.dealers
            if not dealer and new is None:
                raise Refusal("this node does not serve that committee yet")
            parcel = self._parcel(giving, request, successor)
            shares = self._dealt(old, peer, request, parcel, successor) if dealer and old is not None else None
            received = self._moved(parcel, shares)
            run, what = parcel.run, request.what
            digest = handover_digest(here.hub.domain, request.contract, request.committee, successor.number,
                                     successor.consent, what.settled, run)
            if dealer:
                self._at(points.HAND_DEALT)
            if new is not None and received is not None:
                self._keep(new, request, run, received)
            signature = here.key.sign(digest).to_bytes()
            self._at(points.HAND_SIGNED)
            reason = next((each.value for each in Reason if each.value == request.reason), "others said so")
            self.last = (f"{request.contract} from committee {request.committee} to {request.successor}, "
                         f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S UTC}: {reason}")
            here.log.info("handing over", contract=request.contract, old=request.committee,
                          successor=request.successor, values=len(parcel.kinds), settled=what.settled)
        except (ChainError, StateError, PlanError, PeeringError, PeerError, EnigmaError, KeyError,
                ValueError) as error:
            raise Refusal(str(error)) from None
        return sm.Handed(signature if dealer else b"", signature if new is not None else b"")

    def _giving(self, peer: str, request: sm.Hand) -> Party:
        """The committee that hands over, one of whose members asks: nobody else makes this node wait."""
        found = self._here.hub.committee(request.committee, self._block())
        giving = Party(tuple(member.lower() for member in found.members), found.threshold)
        if peer not in giving.members:
            raise Refusal("a node that is no member of the committee")
        dealers, most = set(request.dealers), giving.threshold + 1
        if not len(dealers) == len(request.dealers) == most or not dealers <= set(range(1, len(giving.members) + 1)):
            raise Refusal(f"{most} different members of the committee deal")
        return giving

    def _parcel(self, old: Party, request: sm.Hand, successor: Formation) -> Parcel:
        """What moves, checked against the chain."""
        hub = self._here.hub
        if request.field not in FIELDS:
            raise Refusal("a field that there is none of")
        attached = hub.attachment(request.contract)
        if (attached.committee, attached.settled) != (request.committee, request.what.settled):
            raise Refusal("the contract changed since")
        sizes = {job: size for job, size, _, _ in request.what.masks}
        kinds = kinds_to_move(decode_layout(request.what.layout), sizes, field_named(request.field))
        new = Party(successor.members, successor.threshold)
        return Parcel(run_of(request), old, new, tuple(request.dealers), kinds)

    def _dealt(self, member: Serving, peer: str, request: sm.Hand, parcel: Parcel, successor: Formation
               ) -> dict[str, Share]:
        """A dealer's shares. Raises Refusal unless they are of what the chain has, for the successor that was looked at
        when this node got ready."""
        what, contract, place = request.what, request.contract, member.place
        if not member.holds.ready(contract, peer, successor.consent):
            raise Refusal("this node is not ready for that")
        attached = self._here.hub.attachment(contract)
        if member.field_of(attached.plan) != request.field:
            raise Refusal("the contract computes over another field")
        if self._root(member, contract) != what.root:
            raise Refusal("the contract's private state is another one")
        values = state_at(member.state, contract, what.root)
        if values is None or encode_layout(values) != what.layout:
            raise Refusal("this node has other private state")
        pieces = structure(len(place.members), place.threshold).pieces(place.me)
        shares = shares_of(values, field_named(request.field), pieces)
        there = {each.job: each for each in member.masks_of(contract, attached.plan)} if what.masks else {}
        for job, size, owner, receiver in what.masks:
            open_mask = there.get(job)
            given = _given(member, open_mask) if open_mask is not None else None
            if open_mask is None or given is None or (given.size, given.owner, given.receiver) != (
                    size, owner, receiver):
                raise Refusal(f"this node has no such mask of job {job}")
            shares[mask_text(job)] = member.giver.share_of(_number(member.place, open_mask), request.field)
        if shares.keys() != parcel.kinds.keys():
            raise Refusal("this node has other private state")
        return shares

    def _moved(self, parcel: Parcel, shares: Mapping[str, Share] | None) -> dict[str, Share] | None:
        deadline = monotonic() + self._here.pace.timing.meet
        network = self._here.peering.network(parcel.run, parcel.seats, deadline, SILENT)
        try:
            return moved(network, parcel, shares)
        finally:
            network.close()

    def _keep(self, member: Serving, request: sm.Hand, run: bytes, received: Mapping[str, Share]) -> None:
        """On the disk, under this run; the committee has met. Raises Refusal, StateError."""
        self._at(points.HAND_RECEIVED)
        what, kind = request.what, field_named(request.field)
        masks = {}
        for job, size, owner, receiver in what.masks:
            share = received[mask_text(job)]
            assert isinstance(share, ArithShare)
            masks[job] = Given(owner, size, receiver, job, bytes(kind.to_bytes(share.flat())))
        handed = Handed(request.contract, request.committee, what.settled, run, what.root)
        same = [each for each in member.state.handed.all() if (each.contract, each.old, each.settled) == (
            handed.contract, handed.old, handed.settled)]
        if len(same) >= RUNS:  # each was signed, and the chain may still take it
            raise Refusal(f"{len(same)} runs of this hand-over came to nothing; another successor may do")
        member.state.handed.keep(handed, filled(decode_layout(what.layout), received), masks)
        self._at(points.HAND_KEPT)
        began = monotonic()
        while kept_keys(member.place, member.state) is None:
            if monotonic() - began > self._here.pace.hand / 2 or self._here.stop.wait(self._here.pace.poll):
                member.state.handed.drop(handed)  # not signed: nobody can use it
                raise Refusal("the successor has not met yet")

    # ---- parts

    def _old(self, peer: str, committee: int) -> Serving:
        member = self._served().get(committee)
        if member is None:
            raise Refusal("this node does not serve that committee yet")
        member.place.seat_of(peer)
        return member

    def _new(self, successor: Formation) -> Serving | None:
        """This node's seat in the successor, which it may be about to see."""
        here, began = self._here, monotonic()
        if here.key.address not in successor.members:
            return None
        while (found := self._served().get(successor.number)) is None:
            if monotonic() - began > here.pace.behind or here.stop.wait(here.pace.poll):
                break
        return found

    def _root(self, member: Serving, contract: str) -> bytes:
        """That of the private state to hand over: what the contract says if it is here, else what the hub took last, so
        that no contract keeps its state, and the committee's keys, where they are by what it says. Raises ChainError,
        StateError."""
        block = self._block()
        try:
            said = chain_root(self._here.hub, contract, block)
            if state_at(member.state, contract, said) is not None:
                return said
        except ChainUnreachable:
            raise
        except ChainError:  # it says nothing
            pass
        return self._settled.at(contract, block)

    def _block(self) -> int:
        """The newest that is final for this node."""
        chain = self._here.hub.chain
        return max(0, chain.block_number() - chain.confirmations)


def run_of(request: sm.Hand) -> bytes:
    """What names the sharing of a hand-over: 32 bytes."""
    return blake2b(sm.encode(request), digest_size=32, person=b"enig hand").digest()


def _number(place: Place, mask: OpenMask) -> int:
    """Which number an open job's mask has at a committee: its own, or the one that came with the job."""
    committee, number = split_mask(mask.mask)
    return number if committee == place.committee else -mask.job


def _given(member: Serving, mask: OpenMask) -> Given | None:
    """What is known here of the mask; None unless the job may use it."""
    given = member.state.masks.get(_number(member.place, mask))
    fits = given is not None and (given.owner, given.size) == (mask.owner, mask.size)
    return given if fits and given is not None and given.job in (None, mask.job) else None


def _reason(text: str) -> Reason:
    try:
        return Reason(text)
    except ValueError:
        raise Refusal("a reason that there is none of") from None
