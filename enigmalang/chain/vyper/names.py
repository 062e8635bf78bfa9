"""Names in the generated source: unique, and none that Vyper keeps for itself."""

import re

#: Words of Vyper 0.4.3 (its `RESERVED_KEYWORDS`, builtins and Python's keywords) that no variable may be called.
_WORDS = """
    ada and as assert async await babbage break class constant continue def default del elif else empty_bytes32
    enum ether event except external false finally finney flag flagunreachable for from global gwei if immutable
    import in indexed init interface internal is kwei lambda lovelace max_decimal max_int128 max_uint256
    min_decimal min_int128 mwei none nonlocal nonpayable nonreentrant not or pass payable public pwei raise
    range return shannon struct szabo transient true try twei wei while with yield zero_address zero_wei
    abi_decode abi_encode abs as_wei_value blobhash blockhash ceil concat convert create_copy_of
    create_forwarder_to create_from_blueprint create_minimal_proxy_to ecadd ecmul ecrecover empty epsilon
    extract32 floor isqrt keccak256 len max max_value method_id min min_value pow_mod256 raw_call raw_log
    raw_revert raw_create selfdestruct send sha256 shift slice sqrt uint256_addmod uint256_mulmod uint2str
    unsafe_add unsafe_div unsafe_mul unsafe_sub self msg block chain tx log print static_assert bool address
    uint256 int256 int128 decimal string bytes bytes32 uint8 view pure deploy payable override implements
    exports uses initializes extcall staticcall breakpoint assert_modifiable type struct map True False None
"""
RESERVED = frozenset(_WORDS.split())


def plain(name: str) -> str:
    """`name` as an identifier."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII)
    return made if made and not made[0].isdigit() else f"v{made}"


class Names:
    """Names of one function. `taken` are those of the whole module that a local must not hide."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(taken) | RESERVED
        self._lower = {n.lower() for n in RESERVED}

    def new(self, hint: str) -> str:
        """A name like `hint` that is still free, and now is not."""
        stem = plain(hint.rpartition(".")[2] or hint)
        name, number = stem, 1
        while name in self._taken or name.lower() in self._lower:
            number += 1
            name = f"{stem}_" if number == 2 and stem.lower() in self._lower else f"{stem}_{number}"
        self._taken.add(name)
        return name
