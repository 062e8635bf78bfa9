"""Jobs for other Python programs: what the modules of `enig compile --to python` call.

As `enig call` does it: the nodes' service reserves a mask, the private arguments go out masked by it, the request is
signed here, and the result is read from the chain, private ones from what the nodes sealed for this account.
"""

from collections.abc import Sequence
from typing import Any

from enigmalang.chain.ledger import FEE
from enigmalang.ethereum.keys import SigningKey
from enigmalang.execute.values import data_from, leaves_from
from enigmalang.identity.keys import identity_of
from enigmalang.node.remote import RemoteError, find_contract
from enigmalang.node.remote_calls import Caller
from enigmalang.types.types import NoneT


def call_job(url: str, address: str, function: str, args: Sequence[Any], key: bytes, value: int = 0,
             fee: int | None = None) -> Any:
    """The result of a contract's `function`, computed by the nodes for the account whose private key is `key`.

    Arguments and result are Python data: `fixed` as its raw integer, structs and tuples as tuples, enums as numbers.
    `url`: of the chain, http(s), ws(s) or a socket's path. `fee`: wei offered for the nodes' work; what they do not
    need comes back. Raises EnigmaError (Revert, too), RemoteError and ChainError.
    """
    with find_contract(address, url, FEE if fee is None else fee) as remote:
        planned = remote.plan.functions.get(f"{remote.name}.{function}")
        if planned is None:
            raise RemoteError("E0516", f"{remote.name} has no function {function}")
        leaves: list[Any] = []
        for param, arg in zip(planned.public.params, args, strict=True):
            leaves += leaves_from(arg, param.type)
        leaves = [v.lower() if isinstance(v, str) and v.startswith("0x") else v for v in leaves]
        done = Caller(remote, identity_of("account", SigningKey(key))).call(planned, leaves, value)
        result = planned.public.result
        return None if isinstance(result, NoneT) else data_from(done.leaves, result)
