"""Vyper source of a contract, from its ledger programs."""

from enigmalang.chain.vyper.contract import Generated, generate

__all__ = ["Generated", "generate"]
