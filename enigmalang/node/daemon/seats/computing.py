"""What a member computes with in a term: the committee's keys, compared or agreed first of all, and for each field that
its contracts compute over a session and a service, made when they are first needed. All members come to each at the
same requests, in the leader's order.
"""

from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from enigmalang.chain.errors import ChainError
from enigmalang.chain.requested import NoSuchJob, find_opened
from enigmalang.chain.vault import find_ordered, vault_plan
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.recovering import Recovery
from enigmalang.node.durable import points
from enigmalang.node.durable.keys import committee_keys
from enigmalang.node.durable.sqlite import CommitteeState
from enigmalang.node.serving import Service
from enigmalang.node.session import Lasting, Session
from enigmalang.node.sitting import Peers, Seat
from enigmalang.transport.network import Network
from enigmalang.wire import messages as msg
from enigmalang.wire.check import FIELDS
from enigmalang.wire.errors import WireError

#: Plans and contracts that a term keeps in memory, with the contracts' private state. When others are due, the members
#: meet in a new term, which has none: it takes a second or two.
PLANS, CONTRACTS = 64, 1024


class Computing:
    """`meshes.Work` of one member in one term. Used by the mesh's thread."""

    def __init__(self, here: Here, place: Place, state: CommitteeState, network: Network,
                 plan: Callable[[bytes], bytes], taken: Callable[[str, int], None], held: Callable[[str], str],
                 at: points.Hook = points.unwatched) -> None:
        """`plan` gives a plan's bytes by its hash, empty if nobody has it; `taken` has what another committee handed
        over of a contract current, as of a block; `held` says why no job of a contract is begun now. Raises PeerError,
        KeysLost, StateError."""
        self._taken, self._held = taken, held
        self._here, self._place, self._state, self._network, self._at = here, place, state, network, at
        self._plan = plan
        met = committee_keys(network, place.threshold, state, state.masks.highest(), at)
        state.masks.skip(met.highest)
        if met.mended:
            here.log.info("keys mended", committee=place.committee, seats=list(met.mended))
        self._lasting = Lasting(met.keys, state.masks, at)
        self._recovery = Recovery(here, place, state, met.keys)
        self._services: dict[str, Service] = {}
        self._plans: set[bytes] = set()
        self._loaded: set[str] = set()  # contracts whose state the sessions have taken up

    def answer(self, field: str, request: bytes) -> bytes:
        """See `meshes.Work.answer`."""
        asked = msg.decode_request(request)
        if field not in FIELDS:
            raise WireError("a field that there is none of")
        if not isinstance(asked, msg.Execute | msg.Refute):
            raise WireError(f"no leader asks for {type(asked).__name__}")
        service = self._service(field)
        with suppress(ChainError):  # the service sees it too, and says so
            self._here.await_block(asked.block)
        if isinstance(asked, msg.Execute):
            asked = self._prepared(asked, field)
        reply = service.answer(asked)
        assert reply is not None
        return msg.encode_message(reply)

    def _service(self, field: str) -> Service:
        if field not in self._services:
            place = self._place
            session = Session(field, place.threshold, self._network, lasting=self._lasting)
            seat = Seat(self._here.hub, self._here.key, place.committee, place.members, held=self._held)
            self._services[field] = Service(
                session, Peers(place.me, place.threshold, field, ()), seat, self._state, self._at)
        return self._services[field]

    def _prepared(self, request: msg.Execute, field: str) -> msg.Execute:
        """With the plan, or the order, and with the private state of the job's contract as the chain has it, if others
        have them."""
        if self._state.plan(request.digest) is None:
            data = self._plan(request.digest)
            if data:
                self._state.keep_plan(request.digest, data)
        try:
            if request.digest == vault_plan() and not request.plan:
                request = self._with_order(request)
            contract = self._here.hub.job(request.job, request.block).contract
            self._taken(contract, request.block)
            recovered = self._recovery.catch_up(contract, field, request.block)
        except ChainError as error:
            self._here.log.warning("cannot compare private state", job=request.job, reason=str(error))
            return request
        if recovered and contract in self._loaded:  # what the session has of it is older
            raise WireError("private state came back in the middle of a term")
        self._plans.add(request.digest)
        self._loaded.add(contract)
        if len(self._plans) > PLANS or len(self._loaded) > CONTRACTS:
            raise WireError(f"a term serves {PLANS} plans and {CONTRACTS} contracts at most: the members meet anew")
        return request

    def _with_order(self, request: msg.Execute) -> msg.Execute:
        """What the leader has not, another member may have: none of them says that nobody has it, then."""
        chain, hub = self._here.hub.chain, self._here.hub.address
        with suppress(NoSuchJob):  # the service says so
            name = find_ordered(chain, find_opened(chain, hub, request.job, request.opened))
            return replace(request, plan=self._plan(name))
        return request
