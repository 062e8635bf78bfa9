"""The protocols on shares: what a committee's parties do with each other, one module for each protocol.

A party: `party` (place, keys, channel; rounds that protocols share), `counters`, `setup` (its keys), `pipeline` and
`beside` (protocols told round by round, so that they overlap), `wide` (what committees of many parties do otherwise).
Values: `deal` and `dealing` (sharing what one knows, resharing products), `opening`, `outputs` (to a receiver outside),
`multiply`, `planned` (small products in a row), `reshare` (to another committee).
Bits: `bits`, `addends` and `adder` (a shared number as bits), `compare`, `signs` (outcomes for everyone), `divide`,
`sums`, `moves`.
Ahead of inputs: `ahead`, `stock`, `tables`, `tabulate`, and `lookup`, which compares by tables.
Order: `hops` and `shuffle`, `sort`, `segments` and `pivots` (what is compared with what), `counting`, `apart` (large
columns one by one).
A circuit: `machine` runs it layer by layer, `local` what a party computes alone, `together` and `ordered` a layer's
joint work; `heap` hands memory back.
"""
