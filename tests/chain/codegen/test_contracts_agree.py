"""Contracts with one of everything, called on the EVM and in the interpreter (`twin.py` compares)."""

from pathlib import Path

import pytest
from twin import ACCOUNTS, Twin, plan_of

from enigmalang.chain.digests import component, keccak, log_key_of
from enigmalang.chain.errors import Reverted
from enigmalang.chain.vyper import compile_contract

HERE = Path(__file__).parent / "contracts"
ALICE, BOB, CAROL = (key.address for key in ACCOUNTS)
MOST, LEAST = 2**255 - 1, -(2**255)


@pytest.fixture(scope="module")
def features() -> Twin:
    return Twin(plan_of(HERE / "features.enig"), "Features", (5, "hey"))


@pytest.fixture(scope="module")
def private() -> Twin:
    return Twin(plan_of(HERE / "private.enig"), "Private")


def test_lists_are_changed_in_place(features: Twin) -> None:
    for i, v in ((0, 3), (1, 99), (2, 7), (9, 1), (255, 1), (1, 65535)):
        features.call("in_place", i, v, sender=i % 2)
    features.call("copies", 5)


def test_money_and_errors_with_arguments(features: Twin) -> None:
    assert features.call("pay", BOB, value=10) == "Poor"
    assert features.call("give", ALICE, 5) == "not to the owner"
    features.call("give", BOB, 5)
    assert features.call("pay", BOB, value=11) == 5
    assert "not `payable`" in features.call("give", BOB, 5, value=1)
    features.call("give", BOB, 2**64 - 1)
    assert features.call("odd", (1, 1 << 15)) == "Odd"
    assert features.call("plain", 1) == "Plain"
    features.call("plain", 4)


def test_structs_and_fixed_point(features: Twin) -> None:
    one = 1 << 16
    features.call("point", (1, one), [])
    features.call("point", (-5, -3), [(1, 2), (3, -4)])
    features.call("point", (2**31 - 1, one), [])
    features.call("point", (1, 2**30), [])
    features.call("point", (1, 1), [(1, 2), (3, -4)])
    features.call("point", (1, 1), [])
    for a in (0, -1, one, -5 * one // 2, 2**31 - 1, -(2**31)):
        for b in (-1, -7 * one // 3, 0):
            features.call("fixed_point", a, b)


def test_texts_bytes_and_enums(features: Twin) -> None:
    for a, b in (("ab", "cd"), ("", ""), ("12345678", "12345678"), ("ü", "ab"), ("x", "y")):
        features.call("texts", a, b)
    features.call("keyed", bytes(range(32)), b"some bytes")
    features.call("keyed", bytes(32), b"")
    for phase in (1, 1, 0):
        features.call("phases", phase)


def test_loops(features: Twin) -> None:
    for k in (0, 1, 2, 9):
        features.call("loops", k)
    for x in (0, 1, 5, 97, 65535):
        features.call("search", x)
    for k in (0, 1, 5, 60):
        features.call("swap", 1, 1, k)


def test_slices_and_reductions(features: Twin) -> None:
    features.call("listed")
    for a, b in ((1, 3), (0, -1), (-2, 100), (3, 1), (LEAST, MOST)):
        for v in range(3):
            features.call("in_place", 0, v)
        features.call("slices", a, b)
        features.call("listed")


def test_arithmetic_at_the_edges(features: Twin) -> None:
    for a in (0, 1, -1, MOST, LEAST, 128, -129):
        features.call("edges", a, 2**256 - 1)
        features.call("squeeze", a)
    for a, e in ((0, 0), (-1, 255), (-2, 255), (2, 255), (2, 254), (-3, 160), (-3, 161), (-3, 162), (7, 1)):
        features.call("power", a, e)
    for a, b, k in ((1, 1, 0), (-1, 65535, 1), (2**62, 3, 15), (-(2**63), 0, 255), (0, 0, 255)):
        features.call("shifts", a, b, k)
    features.call("bits", -1, 2**14, 7)
    features.call("bits", 12, -(2**15), 255)


def test_uint256_with_signed_numbers() -> None:
    mixed = Twin(plan_of(HERE / "mixed.enig"), "Mixed")
    for a in (5, MOST, MOST + 1, 2**256 - 1):
        for b in (-1, 3):
            for name in ("anded", "ored", "xored", "least", "most"):
                mixed.call(name, a, b)
            for first in (False, True):
                mixed.call("chosen", a, b, first)
                mixed.call("kept", a, b, first)
                mixed.call("eager", [a, 1, a], b, [first, True, False])
    assert mixed.call("anded", 12, -4) == 12
    assert mixed.call("chosen", 2**256 - 1, -4, False) == -4
    assert "does not fit int256" in mixed.call("chosen", 2**255, -4, True)
    assert "does not fit int256" in mixed.call("anded", 2**255, 1)


def test_views(features: Twin) -> None:
    features.call("known", BOB, 3)
    features.call("known", CAROL, 0)
    features.check_state()


def test_the_ledgers_log() -> None:
    log = Twin(plan_of(HERE / "log.enig"), "Log")
    assert "does not exist" in log.call("get", "k", -1, ALICE)
    log.call("put", "k", -1, 7)
    log.call("put", "k", -1, 9)
    log.call("put", "", 5, 1, sender=1)
    assert log.call("get", "k", -1, ALICE) == 9
    assert log.call("get", "", 5, BOB) == 1
    assert [log.call("known", "k", n, ALICE) for n in (-1, 1)] == [True, False]
    log.call("note", bytes(31) + b"x", True, -3)
    assert log.call("rate", bytes(31) + b"x", True) == -3
    key = log_key_of([component("log"), component("k"), component(-1), keccak(b"a" + bytes.fromhex(ALICE[2:]))])
    assert log.hub_has(key) and not log.hub_has(bytes(32))
    assert log.read("paid", ALICE, 3) == (False,)


def test_a_contract_calls_another_one() -> None:
    plan = plan_of(HERE / "two.enig")
    saver = Twin(plan, "Saver")
    shop = Twin(plan, "Shop", beside=saver)
    assert shop.call("buy", saver.address, 5) == 5
    assert shop.call("buy", saver.address, 7) == 17
    assert shop.call("ask", saver.address) == 8
    assert shop.call("buy", saver.address, 5000) == "too much"
    assert shop.call("pass_on", saver.address, value=9) == 4
    assert "no contract" in shop.call("ask", ALICE)
    saver.check_state()
    shop.check_state()


def test_structs_pass_through_an_interface() -> None:
    plan = plan_of(HERE / "two.enig")
    wallet = Twin(plan, "Wallet")
    user = Twin(plan, "User", beside=wallet)
    one = 1 << 16
    assert user.call("one", wallet.address, (7, 1, -one)) == 14
    assert user.call("many", wallet.address, [(1, 0, one), (2, 1, 3 * one)], 1, -one // 2) == -one
    assert user.call("read", wallet.address) == ((7, 1, -one), True)
    assert user.call("changed", wallet.address) == 7
    assert user.call("ranged", wallet.address, 4) is None
    assert "outside of its range" in user.call("ranged", wallet.address, 6)
    assert "full" in user.call("many", wallet.address, [(1, 0, one)] * 3, 1, one)
    for name, why in (("no_view", "no view"), ("other_type", "no function"), ("other_result", "gives uint8")):
        assert why in user.call(name, wallet.address)
    wallet.check_state()
    user.check_state()


def test_the_source_declares_what_it_calls() -> None:
    made = compile_contract(plan_of(HERE / "two.enig"), "User")
    source = made.generated.source
    assert """@notice Puts one 'coin' at wallet / away.""" in source
    assert "def add(x0: Coin) -> uint64: nonpayable" in source
    assert "def fill(x0: DynArray[Coin, 3], x1: uint8, x2: int256) -> (Coin, DynArray[int256, 3]): nonpayable" in source
    assert "def first() -> Coin: view" in source and "staticcall Purse(w).first()" in source


def test_a_private_init_comes_first_and_once() -> None:
    vault = Twin(plan_of(HERE / "setup.enig"), "Vault")
    with pytest.raises(Reverted, match="init has not been fulfilled"):
        vault.read("tried")
    with pytest.raises(AssertionError, match="once, by the creator"):
        vault.call("init", 5, sender=1)
    vault.call("init", 5)
    assert [vault.call("guess", x) for x in (5, 6)] == [True, False]
    with pytest.raises(AssertionError, match="once, by the creator"):
        vault.call("init", 5)
    vault.check_state()


def test_lengths_of_private_lists_and_what_is_revealed(private: Twin) -> None:
    for sender in (0, 1, 0, 1):
        private.call("note", 7, sender=sender)
    assert private.call("all_notes") == [8, 8, 8]
    assert private.call("last") == 7
    assert private.call("open", 1) == "nothing there"
    for k, xs in ((0, [5, 6]), (1, []), (2, [1, 2, 3, 4, 5])):
        assert private.call("keep", k, xs) == len(xs)
    for k in (0, 1, 2, 0):
        private.call("open", k)
    assert private.call("each", 3) == 26
    assert private.call("mine", 2) == 15
    assert private.call("pay", 5, value=3) == "too small"
    assert private.call("pay", 101, value=3) is True
    private.check_state()
