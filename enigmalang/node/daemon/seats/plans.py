"""Plans and orders by their hash: kept by each member, handed on to those who lack them. Nothing of them is secret."""

from collections.abc import Iterator, MutableMapping
from time import monotonic

from enigmalang.chain.vault import vault_plan, vault_plan_bytes
from enigmalang.node.daemon.seats import messages as sm
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.plan.codec import PlanError, decode_plan, encode_plan, hash_plan
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire.errors import WireError
from enigmalang.wire.orders import decode_order, is_order, order_name

#: Plans that a node keeps for others, bytes of all, and of one.
MAX_PLANS, MAX_BYTES, MAX_PLAN_BYTES = 1024, 1 << 28, 1 << 24
#: Orders: they are needed until their job has ended.
MAX_ORDERS = 4096
#: Seconds after which the others are asked again for a plan that nobody had.
AGAIN = 2.0


def take_plan(here: Here, data: bytes) -> bytes:
    """Keep a plan for a while; its hash. Raises Refusal for what is none, or too large."""
    if len(data) > MAX_PLAN_BYTES:
        raise Refusal(f"a plan of {len(data)} bytes, at most {MAX_PLAN_BYTES}")
    try:
        plan = decode_plan(data)
    except PlanError as error:
        raise Refusal(f"that is no plan: {error}") from None
    name, raw = hash_plan(plan), encode_plan(plan)
    if here.kept.plan(name) is None:
        here.kept.keep_plan(name, raw, MAX_PLANS, MAX_BYTES)
    return name


def take_order(here: Here, data: bytes) -> bytes:
    """Keep an order for a while; its hash. Raises Refusal for what is none, or too large."""
    try:
        decode_order(data)
    except WireError as error:
        raise Refusal(f"that is no order: {error}") from None
    name = order_name(data)
    if here.kept.order(name) is None:
        here.kept.keep_order(name, data, MAX_ORDERS, MAX_BYTES)
    return name


def take(here: Here, data: bytes) -> bytes:
    """Keep what may be either; its hash. Raises Refusal."""
    return take_order(here, data) if is_order(data) else take_plan(here, data)


def find_plan(here: Here, name: bytes) -> bytes | None:
    """A plan or an order that this node has: handed over, or (a plan) used by a job of any of its committees."""
    if name == vault_plan():
        return vault_plan_bytes()
    return here.kept.plan(name) or here.kept.order(name) or here.state.committee(0).plan(name)


class CommitteePlans(MutableMapping[bytes, bytes]):
    """The plans and orders that a committee has: what is not here is asked for at the other members."""

    def __init__(self, here: Here, place: Place) -> None:
        self._here, self._place = here, place
        self._asked: dict[bytes, float] = {}

    def __getitem__(self, name: bytes) -> bytes:
        found = find_plan(self._here, name) or self._fetched(name)
        if found is None:
            raise KeyError("nobody has handed over the plan")
        return found

    def __setitem__(self, name: bytes, data: bytes) -> None:
        take(self._here, data)

    def __delitem__(self, name: bytes) -> None:
        raise TypeError("plans are not taken away")

    def __iter__(self) -> Iterator[bytes]:
        raise TypeError("plans are asked for by their hash")

    def __len__(self) -> int:
        return self._here.kept.plans()

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, bytes) and bool(self[name])
        except KeyError:
            return False

    def hand_on(self, data: bytes) -> None:
        """To the other members, those who can be reached: others ask for it."""
        self._here.ask_all(self._place.others, lambda _: sm.TakePlan(data), self._here.pace.ask)

    def _fetched(self, name: bytes) -> bytes | None:
        if monotonic() - self._asked.get(name, -AGAIN) < AGAIN:
            return None
        answers = self._here.ask_all(self._place.others, lambda _: sm.WantPlan(name), self._here.pace.ask)
        self._asked = {**self._asked, name: monotonic()} if len(self._asked) < MAX_PLANS else {name: monotonic()}
        for answer in answers.values():
            try:
                if isinstance(answer, sm.Plan) and answer.data and take(self._here, answer.data) == name:
                    return find_plan(self._here, name)
            except Refusal:
                continue  # what that member gave is no plan
        return None
