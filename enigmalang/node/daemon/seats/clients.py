"""What clients may ask a node: a method and its parameters as JSON, as of an operator's socket (`node.service`).

- `enigma_network()`: the chain's number, the hub, how many nodes there are.
- `enigma_form(size, threshold, nonce, rotation)`: a drawn committee that has agreed (`forming`); who asked sends it to
  the hub.
- `enigma_putPlan(hex, committee) -> hash`, `enigma_getPlan(hash) -> hex`.
- `enigma_putOrder(hex, committee) -> hash`: an order of a script (`wire.orders`) for a vault of that committee.
- `enigma_reserve(field, size, owner, receiver, committee, nonce)`: a mask of that committee; `nonce` is signed with it.
- `enigma_result(job, committee)`: how a job stands, and the sealed pieces of its private results; `committee`: the one
  that ended it, if not the one that serves the contract now.

Nobody knows who asks; what is told is public, encrypted for its receiver, or signed.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from enigmalang.chain.errors import ChainError
from enigmalang.node.daemon.seats.forming import CannotForm, Forming
from enigmalang.node.daemon.seats.here import Here, Place
from enigmalang.node.daemon.seats.masks import Giver, NotNow, reserve
from enigmalang.node.daemon.seats.outcomes import CommitteeOutcomes
from enigmalang.node.daemon.seats.plans import CommitteePlans, find_plan, take_order, take_plan
from enigmalang.node.durable.errors import StateError
from enigmalang.node.reaching import LATER, REFUSED
from enigmalang.node.receivers import check_keys
from enigmalang.node.reserved import NONCE, unhex, written
from enigmalang.transport.peering.errors import Refusal
from enigmalang.wire.arrays import checked_size
from enigmalang.wire.check import FIELDS
from enigmalang.wire.errors import WireError
from enigmalang.wire.json_texts import read_json

INVALID, UNKNOWN = -32602, -32601
_STATUS = ("unknown", "open", "fulfilled", "failed", "expired")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
Json = Any


class Served(Protocol):
    """A committee that this node has a seat in."""

    @property
    def place(self) -> Place: ...

    @property
    def giver(self) -> Giver: ...

    @property
    def plans(self) -> CommitteePlans: ...

    @property
    def outcomes(self) -> CommitteeOutcomes: ...


class Clients:
    """Answers clients. `committees` gives those of this node by number; `peers` how many nodes there are."""

    def __init__(self, here: Here, committees: Callable[[], Mapping[int, Served]], forming: Forming,
                 nodes: Callable[[], int], disk: Callable[[StateError], None]) -> None:
        """`disk` is told when the disk refuses."""
        self._disk = disk
        self._here, self._committees, self._forming, self._nodes = here, committees, forming, nodes
        self._methods: dict[str, Callable[..., Json]] = {
            "enigma_network": self._network, "enigma_form": self._form, "enigma_putPlan": self._put_plan,
            "enigma_getPlan": self._get_plan, "enigma_putOrder": self._put_order, "enigma_reserve": self._reserve,
            "enigma_result": self._result,
        }

    def serve(self, body: memoryview) -> bytes:
        """The answer to a request, always JSON: a result, or an error with its code and text."""
        try:
            request = read_json(bytes(body))
            method, params = request["method"], request["params"]
            if method not in self._methods or not isinstance(params, list):
                return _error(UNKNOWN, "there is no such method")
            return json.dumps({"result": self._methods[method](*params)}).encode()
        except (RecursionError, KeyError, TypeError, ValueError, OverflowError) as error:
            return _error(INVALID, f"bad parameters: {error}")
        except NotNow as error:
            if isinstance(error.__cause__, StateError):
                self._disk(error.__cause__)
            return _error(LATER, str(error))
        except StateError as error:
            self._disk(error)
            return _error(REFUSED, str(error))
        except (Refusal, CannotForm, WireError, ChainError) as error:
            return _error(REFUSED, str(error))

    # ---- methods

    def _network(self) -> Json:
        hub = self._here.hub
        return {"chain": hub.chain.id, "hub": hub.address, "nodes": self._nodes()}

    def _form(self, size: Json, threshold: Json, nonce: Json, rotation: Json = 0) -> Json:
        if not all(isinstance(number, int) for number in (size, threshold, rotation)):
            raise ValueError("numbers are needed")
        found = self._forming.form(size, threshold, _exactly(nonce, 32), rotation)
        drawing = found.drawing
        return {
            "members": list(found.members), "threshold": threshold, "salt": "0x" + drawing.salt().hex(),
            "until": found.until, "signatures": ["0x" + each.hex() for each in found.signatures],
            "proposer": drawing.proposer, "block": drawing.block, "number": drawing.number,
        }

    def _put_plan(self, data: Json, committee: Json = 0) -> Json:
        return self._put(take_plan, data, committee)

    def _put_order(self, data: Json, committee: Json) -> Json:
        return self._put(take_order, data, committee)

    def _put(self, take: Callable[[Here, bytes], bytes], data: Json, committee: Json) -> Json:
        """Keep it here, and at the committee's other members if this node is one."""
        raw = unhex(data)
        name = take(self._here, raw)
        served = self._committees().get(committee)
        if served is not None:
            served.plans.hand_on(raw)
        return "0x" + name.hex()

    def _get_plan(self, name: Json) -> Json:
        digest = _exactly(name, 32)
        found = find_plan(self._here, digest)
        if found is None:
            plans = (served.plans for served in self._committees().values())
            found = next((each[digest] for each in plans if digest in each), None)
        if found is None:
            raise Refusal(f"nobody has handed over the plan {digest.hex()}")
        return "0x" + found.hex()

    def _reserve(self, field: Json, size: Json, owner: Json, receiver: Json, committee: Json, nonce: Json) -> Json:
        served = self._committees().get(committee)
        if served is None:
            raise NotNow(f"this node does not serve committee {committee} yet")
        if field not in FIELDS:
            raise ValueError("an unknown field")
        if not isinstance(size, int) or not isinstance(owner, str) or not _ADDRESS.fullmatch(owner):
            raise ValueError("a size and an address are needed")
        key = unhex(receiver)
        check_keys([key])
        try:
            checked_size((size,), "a mask")
        except WireError as error:
            raise ValueError(str(error)) from None
        mask, told = reserve(self._here, served.place, served.giver, field, size, owner.lower(), key,
                             _exactly(nonce, NONCE))
        return {
            "mask": mask,
            "told": {str(seat): "0x" + each.message.hex() for seat, each in told.items()},
            "signed": {str(seat): "0x" + each.signature.hex() for seat, each in told.items()},
        }

    def _result(self, job: Json, committee: Json = 0) -> Json:
        if not all(isinstance(number, int) and 0 <= number < 1 << 63 for number in (job, committee)):
            raise ValueError("a job is a number")
        hub = self._here.hub
        state = hub.job(job)
        outcomes = self._outcomes(committee or hub.attachment(state.contract).committee)
        found = outcomes.find(job) if outcomes is not None else None
        replies = {str(seat): reply for seat, reply in found.replies.items()} if found is not None else {}
        return {
            "status": _STATUS[state.status], "error": found.error if found is not None else "",
            "results": {seat: list(map(written, reply.results)) for seat, reply in replies.items()},
            "parcels": {seat: list(map(written, reply.parcels)) for seat, reply in replies.items()},
            "signed": {seat: "0x" + reply.delivered.hex() for seat, reply in replies.items()},
        }

    def _outcomes(self, committee: int) -> CommitteeOutcomes | None:
        """Of a committee of this node; also of one that is no more, whose results are kept."""
        served = self._committees().get(committee)
        if served is not None:
            return served.outcomes
        found = self._here.hub.committee(committee)
        members = tuple(member.lower() for member in found.members)
        if self._here.key.address not in members:
            return None
        place = Place(committee, members, found.threshold, members.index(self._here.key.address) + 1)
        return CommitteeOutcomes(self._here, place)


def _exactly(text: Json, size: int) -> bytes:
    data = unhex(text)
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes where {size} are needed")
    return data


def _error(code: int, text: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": text}}).encode()
