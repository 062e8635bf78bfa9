"""The daemon's part that stores: `part` has all of it, `driver` moves the DHT's state machine.

What is kept: `keeper`, by what the chain says (`ledger`, `view`, `behaviour`). What a node does by itself: `tending`,
with `copies`, `pushing` and `earning`. For clients: `clients`, `passes`; what is said: `messages`.
"""
