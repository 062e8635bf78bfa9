"""Partition: a program becomes a plan of ledger programs and secret programs."""

from enigmalang.partition.partition import partition

__all__ = ["partition"]
