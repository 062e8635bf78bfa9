"""Names in the generated source: unique, and none that Vyper or the contract around them keeps for itself."""

import re

from enigmalang.chain.vyper.problems import Unsupported
from enigmalang.chain.vyper.unit import Unit
from enigmalang.plan.plan import PlanFunction
from enigmalang.source import Span
from enigmalang.types.types import Label

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
#: Names that every generated contract has for itself.
OWN = frozenset({
    "version", "private_root", "ready", "report_failure", "_open", "_settle", "HUB", "CREATOR", "PLAN_HASH"})
#: What Vyper lets every address have, and so `self`: no function and no public state of a contract.
MEMBERS = frozenset({"balance", "code", "codehash", "codesize", "is_contract"})
#: What no local of it may hide.
MODULE = frozenset({"HUB", "CREATOR", "PLAN_HASH", "Hub", "Entry", "Signature", "Work", "Requested", "KIND"})


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


def check_names(unit: Unit) -> None:
    """E0805 for names that the generated contract, or Vyper, has for itself."""
    used: dict[str, Span] = {}
    for function in unit.functions:
        short = function.name.rpartition(".")[2]
        if function.public.kind not in ("external", "view"):
            continue
        for taken in ([short] if function.secret is None else [f"request_{short}", f"fulfil_{short}"]):
            _claim(used, taken, function.public.span, MEMBERS)
    for slot in unit.contract.slots.values():
        _claim(used, plain(slot.name), slot.span, MEMBERS if slot.label is Label.PUBLIC else frozenset())
        if slot.name in unit.tracked:
            _claim(used, f"has_{plain(slot.name)}", slot.span)


def _claim(used: dict[str, Span], name: str, span: Span, members: frozenset[str] = frozenset()) -> None:
    if name in OWN or name in used or name in RESERVED or name in members:
        why = "is a word of Vyper" if name in RESERVED | members else "is a name of the generated contract already"
        raise Unsupported("E0805", f"`{name}` {why}: on the chain this needs another name", span, "rename it")
    used[name] = span


def predicates_of(unit: Unit) -> list[PlanFunction]:
    """The file's predicates that this contract can show as views."""
    names = {f.name.rpartition(".")[2] for f in unit.functions} | {plain(s) for s in unit.contract.slots} | OWN
    return [f for f in unit.plan.functions.values()
            if f.public.kind == "predicate" and f.name.isidentifier() and f.name not in names | RESERVED]
