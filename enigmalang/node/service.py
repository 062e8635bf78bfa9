"""What an operator's socket answers: the chain's own methods, and those of the network (JSON-RPC).

- `enigma_network()`: where the chain, the hub and the committee are.
- `enigma_putPlan(hex) -> hash`, `enigma_getPlan(hash) -> hex`: plans by their hash.
- `enigma_reserve(field, size, owner, receiver, nonce)`: a mask; each node's message is encrypted to the key `receiver`,
  and signed with `nonce` (`node.reserved.open_told` reads it).
- `enigma_result(job)`: how a job stands, and the sealed pieces of its private results (`node.reserved.read_parcels`).
- `enigma_down()`: ends the network.
"""

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.chain.errors import ChainError, RpcError
from enigmalang.chain.evm import Evm, Json, LocalEvm
from enigmalang.execute.ports import EngineError
from enigmalang.node.networks import Network
from enigmalang.node.operator import Operator
from enigmalang.node.receivers import check_keys
from enigmalang.node.reserved import written
from enigmalang.plan.codec import PlanError, decode_plan, encode_plan, hash_plan
from enigmalang.wire.arrays import checked_size
from enigmalang.wire.errors import WireError

#: JSON-RPC's codes for wrong parameters and for what a server cannot do.
_INVALID, _REFUSED = -32602, -32000
_STATUS = ("unknown", "open", "fulfilled", "failed", "expired")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
#: Plans that are kept for those who hand them over, and bytes of all.
MAX_PLANS, MAX_PLAN_BYTES = 1024, 1 << 28


class ServiceEvm(LocalEvm):
    """An `Evm` that has the network's methods too, once `open` was called."""

    def __init__(self, evm: Evm, stop: threading.Event) -> None:
        self._evm, self._stop = evm, stop
        self._lock = threading.Lock()
        self._served: tuple[Operator, Network] | None = None
        self._methods: dict[str, Callable[..., Json]] = {
            "enigma_network": self._network, "enigma_putPlan": self._put_plan, "enigma_getPlan": self._get_plan,
            "enigma_reserve": self._reserve, "enigma_result": self._result, "enigma_down": self._down,
        }

    def open(self, operator: Operator, network: Network) -> None:
        """From now on the network's methods answer."""
        self._served = operator, network

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`."""
        run = self._methods.get(method)
        if run is None:
            return self._evm.request(method, params)
        try:
            return run(*params)
        except (TypeError, ValueError, OverflowError) as error:
            raise RpcError(_INVALID, f"bad parameters of {method}: {error}") from None
        except (EngineError, PlanError) as error:
            raise RpcError(_REFUSED, str(error)) from None
        except RpcError:
            raise
        except ChainError as error:
            raise RpcError(_REFUSED, str(error)) from None

    # ---- methods

    def _now(self) -> tuple[Operator, Network]:
        if self._served is None:
            raise RpcError(_REFUSED, "the network is not up yet")
        return self._served

    def _network(self) -> Json:
        return self._now()[1].to_json()

    def _put_plan(self, data: Json) -> Json:
        plan = decode_plan(_bytes(data))
        name, raw = hash_plan(plan), encode_plan(plan)
        with self._lock:
            plans = self._now()[0].plans
            if name not in plans and (
                    len(plans) >= MAX_PLANS or sum(map(len, plans.values())) + len(raw) > MAX_PLAN_BYTES):
                raise RpcError(_REFUSED, "no room for another plan")
            plans[name] = raw
        return "0x" + name.hex()

    def _get_plan(self, name: Json) -> Json:
        found = self._now()[0].plans.get(_bytes(name))
        if found is None:
            raise RpcError(_REFUSED, f"nobody has handed over the plan {name}")
        return "0x" + found.hex()

    def _reserve(self, field: Json, size: Json, owner: Json, receiver: Json, nonce: Json = "0x") -> Json:
        operator, network = self._now()
        if field != network.field:
            raise RpcError(_REFUSED, f"these nodes compute over {network.field}, not {field}")
        if not isinstance(size, int) or not isinstance(owner, str) or not _ADDRESS.fullmatch(owner):
            raise ValueError("a size and an address are needed")
        key = _bytes(receiver)
        check_keys([key])
        try:
            checked_size((size,), "a mask")
        except WireError as error:
            raise ValueError(str(error)) from None
        mask, told = operator.reserve(size, owner.lower(), key, _bytes(nonce))
        return {
            "mask": mask,
            "told": {str(node): "0x" + reply.shares[0].hex() for node, reply in told.items()},
            "signed": {str(node): "0x" + reply.signature.hex() for node, reply in told.items()},
        }

    def _result(self, job: Json) -> Json:
        operator, _ = self._now()
        if not isinstance(job, int):
            raise ValueError("a job is a number")
        status, found = _STATUS[operator.hub.job(job).status], operator.outcomes.get(job)
        replies = {str(node): reply for node, reply in found.replies.items()} if found is not None else {}
        return {
            "status": status, "error": found.error if found is not None else "",
            "results": {node: list(map(written, reply.results)) for node, reply in replies.items()},
            "parcels": {node: list(map(written, reply.parcels)) for node, reply in replies.items()},
            "signed": {node: "0x" + reply.delivered.hex() for node, reply in replies.items()},
        }

    def _down(self) -> Json:
        self._stop.set()
        return True


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("hex text is needed")
    return bytes.fromhex(text.removeprefix("0x"))
