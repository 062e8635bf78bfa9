"""Splits a program into what the ledger runs and what the nodes run."""

from enigmalang.partition.partition import partition

__all__ = ["partition"]
