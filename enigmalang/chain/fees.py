"""What a transaction that no block takes is offered instead: the same, under its nonce, at a higher price.

Nodes take such a replacement when tip and highest price are both at least a tenth higher; an eighth is asked for
everywhere that is known. Of all that was signed under a nonce, one is mined, and pays.
"""

from dataclasses import replace

from enigmalang.ethereum.transactions import Transaction

#: Seconds in no block after which a transaction is offered again.
RAISE_SECONDS = 60.0
#: The highest price of a unit of gas, as a multiple of what was offered first.
MOST = 10


def raised(last: Transaction, first: Transaction, tip: int, max_fee: int) -> Transaction | None:
    """`last` for an eighth more, or for what the chain asks now (`tip`, `max_fee`: wei) if that is more; None when that
    would be more than MOST times the price of `first`.
    """
    most = MOST * first.max_fee
    least_tip, least_fee = (price + price // 8 + 1 for price in (last.tip, last.max_fee))
    if least_fee > most:
        return None
    fee = min(max(least_fee, max_fee), most)
    return replace(last, max_fee=fee, tip=min(max(least_tip, tip), fee))
