"""What only a development chain (embedded, or anvil) lets one do: go back, go on in time, give money."""

from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainError
from enigmalang.chain.evm import quantity, unquantity
from enigmalang.chain.memory import BLOCK_SECONDS


def advance(chain: Chain, *, blocks: int = 0, seconds: int = 0) -> None:
    """Mine `blocks` empty blocks, the last of them twelve seconds a block later; then one that is `seconds` later."""
    _check(chain)
    if blocks:
        end = chain.block().time + blocks * BLOCK_SECONDS
        if blocks > 1:
            chain.ask("anvil_mine", quantity(blocks - 1), quantity(BLOCK_SECONDS))
        _mine_at(chain, end)
    if seconds:
        _mine_at(chain, chain.block().time + seconds)


def _mine_at(chain: Chain, time: int) -> None:
    chain.ask_all([("evm_setNextBlockTimestamp", (quantity(time),)), ("evm_mine", ())])


def snapshot(chain: Chain) -> int:
    """A number for the chain as it is now."""
    _check(chain)
    return unquantity(chain.ask("evm_snapshot"))


def restore(chain: Chain, number: int) -> None:
    """The chain is what it was at that snapshot; it and later ones are used up. ChainError for an unknown one."""
    _check(chain)
    if not chain.ask("evm_revert", quantity(number)):
        raise ChainError(f"the chain has no snapshot {number}")


def fund(chain: Chain, address: str, wei: int) -> None:
    """`address` owns `wei` more, from nowhere and without a block."""
    _check(chain)
    chain.ask("anvil_setBalance", address, quantity(chain.balance(address) + wei))


def _check(chain: Chain) -> None:
    if not chain.development:
        raise ChainError(f"{chain.client} is not a development chain: its time and its money are not ours to make")
