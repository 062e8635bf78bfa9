"""py-evm, as this package uses it: a chain of one transaction a block.

The only module that imports py-evm. Blocks follow Prague's rules and are mined at once; the base fee is always zero.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from enigmalang.chain.errors import ChainError, Revert, Reverted, TransactionRefused
from enigmalang.chain.lean import import_eth_utils
from enigmalang.chain.reverts import read_revert

#: Twice what a block of one transaction may use: the base fee then never leaves zero (EIP-1559).
BLOCK_GAS = 60_000_000
TRANSACTION_GAS = BLOCK_GAS // 2
_BLS = (
    "bls12_g1_add", "bls12_g1_msm", "bls12_map_fp_to_g1", "bls12_g2_add", "bls12_g2_msm", "bls12_map_fp2_to_g2",
    "bls12_pairing_check",
)


@dataclass(frozen=True, slots=True)
class Message:
    """A call or creation without a signature."""

    sender: bytes
    to: bytes  # empty: a creation
    value: int
    data: bytes
    gas: int = TRANSACTION_GAS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a message gave. `gas_used` as in a receipt; `refund` is what was given back of it."""

    output: bytes
    revert: Revert | None
    gas_used: int
    refund: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A transaction in its block: py-evm's objects."""

    header: Any
    transaction: Any
    receipt: Any
    revert: Revert | None


class PyEvm:
    """The chain's machine: `head` is the header of its newest block, `nodes` the table that it works on.

    `ends`: the headers with which it goes on (of the newest block, and the pending one), whose state `nodes` has;
    without them it begins with a block at `genesis_time` in which accounts have `funds`.
    """

    def __init__(self, chain_id: int, genesis_time: int, funds: dict[bytes, int], nodes: MutableMapping[bytes, bytes],
                 ends: tuple[Any, Any] | None = None) -> None:
        _load()
        from eth.chains.base import MiningChain
        from eth.db.atomic import AtomicDB
        from eth.vm.forks.prague import PragueVM

        kind = type("EmbeddedChain", (MiningChain,), {
            "chain_id": chain_id, "vm_configuration": ((0, PragueVM),), "create_header_from_parent": _next_header,
        })
        # AtomicDB asks of what is below it no more than a mapping has.
        base: Any = AtomicDB(nodes)  # type: ignore[arg-type]
        if ends is not None:
            self.head, pending = ends
            self._chain: Any = kind(base, pending)
            return
        genesis = {"difficulty": 0, "gas_limit": BLOCK_GAS, "timestamp": genesis_time, "base_fee_per_gas": 0}
        accounts = {a: {"balance": b, "nonce": 0, "code": b"", "storage": {}} for a, b in funds.items()}
        self._chain = kind.from_genesis(base, genesis, accounts)  # type: ignore[attr-defined]
        self.head = self._chain.get_block_by_hash(self._chain.header.parent_hash).header

    # ---- blocks

    def apply(self, raw: bytes, keep_reverted: bool) -> Applied:
        """The signed transaction `raw` in a block of its own.

        Raises TransactionRefused for one that fits into no block; and Reverted, with nothing changed, when its code
        fails and `keep_reverted` is False.
        """
        transaction = self._decode(raw)
        with self._undone_on_error(), _refusals():
            block, receipt, computation = self._chain.apply_transaction(transaction)
            revert = _revert(computation)
            if revert is not None and not keep_reverted:
                raise Reverted(revert)
            return Applied(self._mined(), block.transactions[0], receipt, revert)

    def mine(self) -> Any:
        """The header of a new empty block."""
        return self._mined()

    def rewind(self, head: Any, pending: Any) -> None:
        """Go on from an earlier `head`, with `pending` as it was then; blocks after it are forgotten."""
        self.head = head
        self._chain.header = pending

    def set_balance(self, address: bytes, wei: int) -> None:
        """From now on, `address` owns `wei`; earlier blocks still say what it owned in them."""
        vm = self._chain.get_vm()
        vm.state.set_balance(address, wei)
        vm.state.persist()
        self._chain.header = self._chain.header.copy(state_root=vm.state.state_root)

    def set_time(self, timestamp: int) -> None:
        """The next block's time."""
        self._chain.set_header_timestamp(timestamp)

    @property
    def latest(self) -> Any:
        """The newest block's header, with what was changed after it."""
        return self.head.copy(state_root=self.pending.state_root)

    @property
    def pending(self) -> Any:
        """The header of the block that comes next."""
        return self._chain.header

    def _mined(self) -> Any:
        """The pending header is that of the whole block already: nobody is rewarded, nothing more is in it. py-evm's
        own mining gives the same header and keeps the block's body too, which nothing here reads."""
        self.head = self._chain.header
        self._chain.chaindb.persist_header(self.head)
        self._chain.header = self._chain.create_header_from_parent(self.head)
        return self.head

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        before = self._chain.header
        try:
            yield
        except ChainError:
            self._chain.header = before
            raise

    def _decode(self, raw: bytes) -> Any:
        from eth.exceptions import UnrecognizedTransactionType
        from eth_utils.exceptions import ValidationError
        from rlp.exceptions import RLPException

        try:
            transaction = self._chain.get_vm().get_transaction_builder().decode(raw)
            transaction.sender  # noqa: B018  # recovers the key from the signature
        except (RLPException, ValidationError, UnrecognizedTransactionType, ValueError, IndexError) as error:
            raise TransactionRefused(f"this is not a signed transaction: {error}") from None
        if transaction.chain_id != self._chain.chain_id:  # py-evm takes what was signed for any chain
            raise TransactionRefused(f"signed for chain {transaction.chain_id}, this is {self._chain.chain_id}")
        return transaction

    # ---- state

    def state(self, header: Any) -> Any:
        """py-evm's state after the block of `header`; with `pending`, the state before it, in its block."""
        return self._chain.get_vm(header).state

    def run(self, message: Message, header: Any) -> Outcome:
        """What `message` would do in the block of `header`, without fees; nothing is kept."""
        vm = self._chain.get_vm(header.copy(base_fee_per_gas=0))
        state = vm.state
        transaction = self._unsigned(vm, message, state.get_nonce(message.sender))
        with _refusals():
            state.lock_changes()
            computation = state.apply_transaction(transaction)
        used = vm.finalize_gas_used(transaction, computation)
        spent = message.gas - computation.get_gas_remaining()
        return Outcome(computation.output, _revert(computation), used, max(0, spent - used))

    def _unsigned(self, vm: Any, message: Message, nonce: int) -> Any:
        from eth.vm.spoof import SpoofTransaction

        plain = vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=self._chain.chain_id, nonce=nonce, max_priority_fee_per_gas=0, max_fee_per_gas=0,
            gas=message.gas, to=message.to, value=message.value, data=message.data, access_list=(),
        )
        return SpoofTransaction(plain, from_=message.sender)


def pack_header(header: Any) -> bytes:
    """A header as bytes."""
    import rlp

    return bytes(rlp.encode(header))


def unpack_header(data: bytes) -> Any:
    """A header from its bytes."""
    _load()
    import rlp
    from eth.vm.header import HeaderSedes

    return rlp.decode(data, sedes=HeaderSedes)


def _next_header(chain: Any, parent: Any, **params: Any) -> Any:
    """The header of the block after `parent`: a second later, with the same gas limit."""
    fields = {"gas_limit": parent.gas_limit, "timestamp": parent.timestamp + 1, **params}
    return chain.get_vm_class_for_block_number(parent.block_number + 1).create_header_from_parent(parent, **fields)


def _revert(computation: Any) -> Revert | None:
    """Why `computation` failed, None when it did not."""
    if not computation.is_error:
        return None
    from eth.exceptions import Revert as EvmRevert

    error = computation.error
    if isinstance(error, EvmRevert):
        return read_revert(computation.output)
    return Revert("fault", _spoken(type(error).__name__))


def _spoken(name: str) -> str:
    """py-evm's name of a fault, in words: OutOfGas -> "out of gas"."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


@contextmanager
def _refusals() -> Iterator[None]:
    """What py-evm's validation says against a transaction, as TransactionRefused."""
    from eth.exceptions import PyEVMError
    from eth_utils.exceptions import ValidationError

    try:
        yield
    except (ValidationError, PyEVMError) as error:
        raise TransactionRefused(str(error)) from None


def _load() -> None:
    """Import py-evm, without what it does to the whole process."""
    if "eth" in sys.modules:
        return
    before = sys.getrecursionlimit()
    import_eth_utils()
    _defer_bls()
    eth = importlib.import_module("eth")
    importlib.import_module("eth.vm.forks.prague")
    # py_ecc raises the limit to 100,000, far beyond what py-evm needs for 1,024 nested calls.
    sys.setrecursionlimit(max(before, eth.EVM_RECURSION_LIMIT))


def _defer_bls() -> None:
    """Let the BLS12-381 precompiles be imported when one is called.

    Their tables are more than half of the time that importing py-evm takes, and contracts rarely call them.
    """
    name = "eth.precompiles.bls12_381"
    spec = importlib.util.find_spec("eth")
    if name in sys.modules or spec is None or not spec.submodule_search_locations:
        return
    module = ModuleType(name)
    module.__path__ = [str(Path(spec.submodule_search_locations[0], "precompiles", "bls12_381"))]
    for function in _BLS:
        setattr(module, function, _deferred(name, function))
    sys.modules[name] = module


def _deferred(package: str, function: str) -> Any:
    def call(computation: Any) -> Any:
        part = "pairing" if "pairing" in function else "g2" if "g2" in function else "g1"
        before = sys.getrecursionlimit()
        module = importlib.import_module(f"{package}.bls12_381_{part}")
        sys.setrecursionlimit(before)  # see `_load`
        return getattr(module, function)(computation)

    return call
