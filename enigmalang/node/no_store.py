"""Off-chain storage as a node has it for a contract's jobs: none."""

from collections.abc import Sequence
from typing import Any, NoReturn

from enigmalang.execute.ports import Identity, StoreError


class NoStore:
    """`execute.ports.Store` that refuses: what `DHT` holds is sealed for people, and a node has nobody's keys. A plan
    that was checked does not come here (`analysis.reach`); one that was made by hand gets no further."""

    asks = True

    def stage(self, key: Any, content: bytes, *, readers: Sequence[bytes] | None, owner: str, type: Any,
              predicate: Any, rule: bytes) -> NoReturn:
        raise _refused()

    def publish(self) -> None:
        """Nothing was staged."""

    def discard(self) -> None:
        """Nothing was staged."""

    def get(self, key: Any) -> NoReturn:
        raise _refused()

    def open(self, key: Any, reader: Identity) -> NoReturn:
        raise _refused()

    def published(self, address: str) -> NoReturn:
        raise _refused()


def _refused() -> StoreError:
    return StoreError("E0803", "DHT lies off the chain: a contract cannot reach it")
