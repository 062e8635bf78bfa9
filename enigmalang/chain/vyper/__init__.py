"""Vyper source of a contract, from its ledger programs."""

from enigmalang.chain.vyper.compiled import Deployable, compile_contract
from enigmalang.chain.vyper.contract import Generated, generate

__all__ = ["Deployable", "Generated", "compile_contract", "generate"]
