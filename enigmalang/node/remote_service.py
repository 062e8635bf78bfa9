"""What answers for the nodes of a committee, from a client's side, and plans that it hands over.

Nothing that it says is believed that can be checked: a plan is taken by its hash; what nodes tell of a mask comes
encrypted from each of them, and must fit together.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from enigmalang.chain.digests import Domain
from enigmalang.chain.errors import ChainError, ChainUnreachable, RpcError
from enigmalang.chain.rpc import RpcEvm
from enigmalang.circuits.circuit import Array
from enigmalang.diagnostics import OutsideError
from enigmalang.identity.files import home
from enigmalang.node.masking import MaskError
from enigmalang.node.networks import BadRecord, Network, read_network
from enigmalang.node.reaching import LATER, Line, NodesLine, Unanswered
from enigmalang.node.reserved import NONCE, open_told
from enigmalang.plan.codec import PlanError, decode_plan, encode_plan, hash_plan
from enigmalang.plan.plan import Plan
from enigmalang.transport.peering.contacts import Contact
from enigmalang.wire.orders import order_name

#: Seconds that a service may take for an answer: its nodes may be in the middle of a job.
ANSWER_SECONDS = 120.0


class Closed(Protocol):
    """Whatever is to be closed."""

    def close(self) -> None: ...


@contextmanager
def closed_on_error(held: Closed | None) -> Iterator[None]:
    """Close `held` when what follows fails."""
    try:
        yield
    except BaseException:
        if held is not None:
            held.close()
        raise


class RemoteError(OutsideError):
    """What is wrong, as a diagnostic's code, text and way out."""

    def __init__(self, code: str, text: str, help: str | None = None) -> None:
        super().__init__(text)
        self.code, self.text, self.help = code, text, help


class NotNow(RemoteError):
    """What may go well a little later."""


class Service:
    """What answers for a committee's nodes: an operator's socket, or (with a `committee`) each of its members. Raises
    RemoteError E0709 when nobody answers."""

    def __init__(self, line: Line, where: str, committee: int = 0) -> None:
        self._line, self.where, self._committee = line, where, committee

    @classmethod
    def at_socket(cls, socket: str) -> "Service":
        try:
            return cls(RpcEvm(socket, ANSWER_SECONDS), socket)
        except ChainUnreachable as error:
            raise RemoteError("E0709", f"the nodes' service at {socket} does not answer: {error.reason}",
                              "start it again with `enig chain up`, or ask who runs it") from None

    @classmethod
    def of_members(cls, find: Callable[[], Sequence[Contact]], committee: int) -> "Service":
        """The members of a committee, any of which answers; `find` tells where they are."""
        made = cls(NodesLine(find, ANSWER_SECONDS), f"committee {committee}", committee)
        with closed_on_error(made):
            made._ask("enigma_network")
        return made

    def close(self) -> None:
        self._line.close()

    def network(self) -> Network:
        found = self._ask("enigma_network")
        try:
            return read_network({"socket": self.where, **found} if isinstance(found, Mapping) else found)
        except BadRecord as error:
            raise self._nonsense(str(error)) from None

    def put_plan(self, plan: Plan) -> None:
        """Hand the plan over, for everyone who asks for it by its hash."""
        told = self._ask("enigma_putPlan", "0x" + encode_plan(plan).hex(), *self._which)
        if _bytes(told) != hash_plan(plan):
            raise self._nonsense("it gave another hash to the plan")

    def put_order(self, data: bytes) -> None:
        """Hand over the bytes of an order, for the nodes that a request names it to."""
        told = self._ask("enigma_putOrder", "0x" + data.hex(), *self._which)
        if _bytes(told) != order_name(data):
            raise self._nonsense("it gave another hash to the order")

    def plan(self, name: bytes) -> Plan:
        """The plan with hash `name`."""
        data = _bytes(self._ask("enigma_getPlan", "0x" + name.hex()))
        if data is None:
            raise self._nonsense("a plan that is no bytes")
        return checked_plan(data, name)

    def reserve(self, field: str, size: int, owner: str, receiver: X25519PrivateKey, members: Sequence[str],
                threshold: int, domain: Domain) -> tuple[int, Array]:
        """A mask for `size` numbers that only jobs of `owner` may use: its name, and its values, which nobody but
        the holder of `receiver` is told, by all `members` of the committee. Raises NotNow while one of them is away.
        """
        public, nonce = "0x" + receiver.public_key().public_bytes_raw().hex(), secrets.token_bytes(NONCE)
        told = self._ask("enigma_reserve", field, size, owner, public, *self._which, "0x" + nonce.hex())
        try:
            return open_told(told, receiver.private_bytes_raw(), field, size, owner, members, threshold, domain, nonce)
        except MaskError as error:
            raise RemoteError("E0706", str(error), "nothing was sent; ask who runs the nodes") from None

    def result(self, job: int) -> Mapping[str, Any]:
        """What the committee has of a job; of one that it has ended, also when another one serves the contract now."""
        found = self._ask("enigma_result", job, *self._which)
        if not isinstance(found, Mapping):
            raise self._nonsense("a result that is none")
        return found

    @property
    def _which(self) -> tuple[int, ...]:
        """What members of many committees have to be told."""
        return (self._committee,) if self._committee else ()

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            return self._line.request(method, params)
        except ChainUnreachable as error:
            raise RemoteError("E0709", f"the nodes' service at {self.where} no longer answers: {error.reason}",
                              "look at what `enig chain up` says there") from None
        except Unanswered as error:
            raise NotNow("E0709", f"no node of {self.where} answers: {error}", "ask who runs the nodes") from None
        except ChainError as error:
            kind = NotNow if isinstance(error, RpcError) and error.code == LATER else RemoteError
            raise kind("E0709", f"the nodes' service refuses: {error}") from None

    def _nonsense(self, what: str) -> RemoteError:
        return RemoteError("E0703", f"the nodes' service at {self.where} told nonsense: {what}")


def _bytes(text: Any) -> bytes | None:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except (AttributeError, ValueError):
        return None


# ---- plans


def _plan_path(name: bytes) -> Path:
    return home() / "plans" / f"{name.hex()}.plan"


def checked_plan(data: bytes, name: bytes) -> Plan:
    """The plan whose bytes are `data`, which must hash to `name`. Raises RemoteError."""
    try:
        plan = decode_plan(data)
    except PlanError as error:
        raise RemoteError("E0703", f"what should be the contract's plan is none: {error}") from None
    if hash_plan(plan) != name:
        raise RemoteError("E0703", f"what should be the plan {name.hex()} is another one: nothing was done with it")
    keep_plan(plan)
    return plan


def keep_plan(plan: Plan) -> None:
    """Keep it on this machine, so that what is public can be read when no node is up."""
    path = _plan_path(hash_plan(plan))
    if path.exists():
        return
    with suppress(OSError):  # a convenience: without it the service is asked
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(encode_plan(plan))
        os.replace(temporary, path)


def kept_plan(name: bytes) -> Plan | None:
    """The plan with hash `name`, if it was kept here, whole."""
    try:
        plan = decode_plan(_plan_path(name).read_bytes())
    except (OSError, PlanError):
        return None
    return plan if hash_plan(plan) == name else None
