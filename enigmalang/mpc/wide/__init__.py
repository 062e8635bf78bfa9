"""Protocols of wide committees (`Structure.wide`): more parties than there can be keys for their sets.

Numbers are Shamir shares over F_p as everywhere; bits are Shamir shares over GF(2^k), in k planes, where smaller
committees hold replicated pieces. Here is what differs: dealing and opening bits, products through kings, the addends
of a comparison, random shares. The protocols of `mpc` call these, and everything above them is the same.
"""
