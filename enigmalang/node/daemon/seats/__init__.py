"""A node's seats in committees. `part` is the daemon's part that has them, `here` what they share.

`member` is a committee as one of its members serves it. Its `seat` does what `terms` say, the pure rules of who leads
when, and `leading` has the others asked; `messages` are what members say. `computing` is what one computes with in a
term, on the links of `meshes`; `handing` moves contracts to other committees. New committees: `forming`. Private state
that is lacking: `recovering`. What is kept besides: `kept`, `plans`, `outcomes`, `masks`. For clients: `clients`; for
people: `telling`. `head` and `steady` are the newest block, and threads that go on.
"""
