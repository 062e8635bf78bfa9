"""`enig disclose --diff` tells of who may change something: wider permission is status 1, narrower is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_disclose_command import here

HERE = Path(__file__).resolve().parent
SHOP = """const LEAST = 3

predicate friend(who: address):
    return L["paid", who] > 3

contract Shop:
    boss: address
    price: uint32
    seen: uint32
    private secret: uint32

    internal def only_boss():
        require sender == boss, "not yours"

    internal def may() -> bool:
        if price > 30:
            return True
        require price < 10
        return sender == boss

    def init():
        boss = sender

    def set_price(p: uint32):
        require sender == boss, "not yours"
        price = p

    def set_seen(p: uint32):
        if sender != boss:
            raise "no"
        seen = p

    def set_both(p: uint32):
        only_boss()
        price = p
        require may()
        seen = p

    def set_secret(private p: uint32):
        if price >= LEAST:
            secret = p

    def pay_out():
        require sender == boss
        send(boss, 3)
"""
CLUB = """contract Club:
    members: list[address, 5]
    price: uint32
    seen: uint32
    error NoMember()

    internal def only_member():
        for m in members:
            if sender == m:
                return
        raise NoMember()

    def set_price(p: uint32):
        only_member()
        price = p

    def set_seen(p: uint32):
        for m in members:
            require m != sender
        seen = p

    def set_both(p: uint32):
        for m in members:
            if p > price:
                if m == sender:
                    raise "no"
            if p == 7:
                break
        price = p
        if p > 3:
            for m in members:
                require m != sender, "member"
        seen = p

    def set_unless(p: uint32):
        for m in members:
            if m == sender and p < 9:
                return
        price = p
"""
ACTING = """identity alice
n: uint32 = input("n")
as alice:
    assert n > 3
L["n"] = n
"""
SCRIPT = """predicate friend(who: address):
    return L["paid", who] > 3

identity alice, bob
as alice:
    DHT.set("b", 1, friend)
    team = shared_identity({alice: owner, bob: friend})
"""


def compared(folder: Path, old: str, new: str, *options: str) -> tuple[int | None, str]:
    (folder / "old.enig").write_text(old)
    (folder / "new.enig").write_text(new)
    done = here("disclose", str(folder / "new.enig"), "--diff", str(folder / "old.enig"), *options)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_golden_of_setters_that_more_and_fewer_may_call(tmp_path: Path, golden: Any) -> None:
    new = SHOP.replace('        require sender == boss, "not yours"\n        price = p', "        price = p")
    before_it = "        seen = p\n\n    def set_both"
    new = new.replace(before_it, f"        require p > 1\n{before_it}")
    status, text = compared(tmp_path, SHOP, new)
    assert status == 1
    golden(HERE / "golden" / "permissions_changed.txt", text)


@pytest.mark.parametrize("old, new, function", [
    ('    def set_price(p: uint32):\n        require sender == boss, "not yours"\n',
     "    def set_price(p: uint32):\n", "set_price"),
    ("raise \"no\"", "seen = 0", "set_seen"),
    ("if sender != boss", "if sender != boss and p > 3", "set_seen"),
    ('        require sender == boss, "not yours"\n\n    internal', "        pass\n\n    internal", "set_both"),
    ("        require may()\n", "", "set_both"),
    ("        require price < 10\n", "", "set_both"),
    ("return sender == boss", "return sender == boss or price == 4", "set_both"),
    ("const LEAST = 3", "const LEAST = 2", "set_secret"),
    ("        if price >= LEAST:\n            secret = p", "        secret = p", "set_secret"),
    ("        require sender == boss\n        send", "        send", "pay_out"),
])
def test_wider_is_new(tmp_path: Path, old: str, new: str, function: str) -> None:
    assert SHOP.count(old) == 1
    status, text = compared(tmp_path, SHOP, SHOP.replace(old, new), "--json")
    assert status == 1
    assert f"Shop.{function}" in {entry["function"] for entry in json.loads(text)["new"]}


@pytest.mark.parametrize("old, new, function", [
    ("        raise NoMember()\n", "", "set_price"),
    ("sender == m:", "price < 9:", "set_price"),
    ("            require m != sender\n", "            price = 3\n", "set_seen"),
    ("            require m != sender\n",
     "            if price > 3:\n                break\n            require m != sender\n", "set_seen"),
    ('raise "no"', "seen = 0", "set_both"),
    ("if m == sender:", "if m == sender and p > 3:", "set_both"),
    ("if p == 7", "if p == 8", "set_both"),
    ("            if m == sender and p < 9:\n                return\n", "            seen = 3\n", "set_unless"),
    ("m == sender and p < 9", "m == sender and p < 8", "set_unless"),
    ('                require m != sender, "member"\n', "                price = 3\n", "set_both"),
])
def test_wider_by_a_loop_or_a_call_that_returns_early(tmp_path: Path, old: str, new: str, function: str) -> None:
    assert CLUB.count(old) == 1
    status, text = compared(tmp_path, CLUB, CLUB.replace(old, new), "--json")
    assert status == 1
    found = [entry for entry in json.loads(text)["new"] if entry["function"] == f"Club.{function}"]
    assert {entry["text"] for entry in found} & {"price = p", "seen = p"}


def test_what_a_loop_demands_and_no_way_out_of_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "club.enig").write_text(CLUB)
    shown = json.loads(here("disclose", str(tmp_path / "club.enig"), "--json").stdout)
    only_if = {(f["name"], e["text"]): e["only_if"] for f in shown["functions"] for e in f["learns"]
               if e["kind"] == "state"}
    assert only_if == {
        ("Club.set_price", "price = p"): ["it does not come to `raise NoMember()`"],
        ("Club.set_seen", "seen = p"): ["m != sender, each time in a loop"],
        ("Club.set_both", "price = p"): ["not (m == sender), where p > price, each time in a loop"],
        ("Club.set_both", "seen = p"): [
            "not (m == sender), where p > price, each time in a loop", "m != sender, each time in a loop, where p > 3"],
        ("Club.set_unless", "price = p"): ["not (m == sender and p < 9), each time in a loop"],
    }


def test_what_is_demanded_under_another_name_holds_afterwards(tmp_path: Path) -> None:
    status, text = compared(tmp_path, ACTING, ACTING.replace("assert n > 3", "print(n)"))
    assert status == 1 and "the conditions for it differ" in text


@pytest.mark.parametrize("old, new", [
    ("        price = p\n\n", "        require p > 1\n        price = p\n\n"),
    ("        seen = p\n\n    def set_both", "        require p > 1\n        seen = p\n\n    def set_both"),
    ("            secret = p", "            require sender == boss\n            secret = p"),
])
def test_narrower_is_told_with_status_0(tmp_path: Path, old: str, new: str) -> None:
    assert SHOP.count(old) == 1
    status, text = compared(tmp_path, SHOP, SHOP.replace(old, new))
    assert status == 0 and text.startswith("as before, but fewer may do it:\n")
    assert compared(tmp_path, SHOP.replace(old, new), SHOP)[0] == 1


def test_moved_is_the_same(tmp_path: Path) -> None:
    assert compared(tmp_path, SHOP, "# moved\n\n" + SHOP) == (0, "nothing is newly disclosed\n")


def test_a_predicate_that_says_something_else(tmp_path: Path) -> None:
    status, text = compared(tmp_path, SCRIPT, SCRIPT.replace("> 3", "> 2"))
    assert status == 1
    fresh = text.partition("no longer")[0]
    assert 'DHT.set("b", 1, friend)' in fresh and "shared_identity" in fresh and "computed in another way" in fresh
