"""`enig show ADDRESS`: what a contract on a chain is, what it can do, who learns what, and its public state."""

import json
from typing import TYPE_CHECKING, Any

import click

from enigmalang.cli.remotely import ADDRESS, chain_of_network, remotely

if TYPE_CHECKING:
    from enigmalang.node.remote import Remote
    from enigmalang.plan.plan import PlanFunction


@click.command("show")
@click.argument("address", type=ADDRESS)
@chain_of_network
@click.option("--json", "as_json", is_flag=True, help="Write a JSON object.")
def command(address: str, url: str | None, as_json: bool) -> int:
    """Show the contract at ADDRESS: the plan it was made from, its functions and what kind each is (view, transaction,
    job), who learns what from them, its committee, and its public state.

    That the code on the chain is what the plan compiles to was checked here before anything is shown.
    """
    return remotely(lambda: _show(address, url, as_json), address)


def _show(address: str, url: str | None, as_json: bool) -> int:
    from enigmalang.node.remote import find_contract

    with find_contract(address, url) as remote:
        found = described(remote)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(_lines(found)))
    return 0


def described(remote: "Remote") -> dict[str, Any]:
    """All there is to show, as JSON data."""
    from enigmalang.ethereum.hashing import checksummed

    at = remote.chain.block_number()
    committee = remote.hub.committee(remote.attachment.committee, at)
    contract = remote.ledger.adopt(remote.address, remote.name)
    learns = _learns(remote)
    return {
        "contract": remote.name,
        "address": checksummed(remote.address),
        "chain": remote.chain.id,
        "block": at,
        "about": remote.plan.contracts[remote.name].docstring,
        "source": remote.plan.path,
        "plan": remote.attachment.plan.hex(),
        "code": "is what the plan compiles to",
        "hub": checksummed(remote.hub.address),
        "committee": remote.attachment.committee,
        "nodes": [checksummed(member) for member in committee.members],
        "threshold": committee.threshold,
        "balance": remote.chain.balance(remote.address, at),
        "version": contract.version(at),
        "functions": [_function(planned, learns[planned.name]) for planned in _functions(remote)],
        "state": [_state(remote, name) for name in remote.plan.contracts[remote.name].state],
    }


def _functions(remote: "Remote") -> list["PlanFunction"]:
    found = (remote.plan.functions.get(name) for name in remote.plan.contracts[remote.name].functions)
    return [f for f in found if f is not None and f.public.kind in ("init", "external", "view")]


def _function(planned: "PlanFunction", learns: list[str]) -> dict[str, Any]:
    from enigmalang.compiler.disclosure import kind_of
    from enigmalang.ir.signatures import short_name, signature

    function = planned.public
    return {"name": short_name(function), "signature": signature(function), "kind": kind_of(planned),
            "payable": function.payable, "learns": learns}


def _learns(remote: "Remote") -> dict[str, list[str]]:
    """By function: who learns which value that is computed from secrets. `enig disclose` tells the rest, from the
    source, which is not at hand here."""
    from enigmalang.compiler.disclosure import manifest_of, no_source

    found = {}
    for function in manifest_of(remote.plan, no_source).functions:
        values = [f"{e.audience}: {e.what}, from {', '.join(e.secrets)}, line {e.line}" for e in function.values]
        nothing = ["nobody: nothing private is revealed"] if function.kind == "job" else []
        found[function.name] = values or nothing
    return found


def _state(remote: "Remote", name: str) -> dict[str, Any]:
    from enigmalang.cli.shown import as_json_data, map_keys
    from enigmalang.execute.values import data_from, show
    from enigmalang.node.remote_state import read_state
    from enigmalang.types.types import Label

    type, private = remote.plan.contracts[remote.name].state[name]
    slots = [s for s in remote.plan.contracts[remote.name].slots.values() if s.name.split(".")[0] == name]
    private = private or any(slot.label is Label.PRIVATE for slot in slots)
    told: dict[str, Any] = {"name": name, "type": str(type), "private": private}
    keys, inner = map_keys(type)
    if not private and not keys:
        leaves = read_state(remote, name)
        told |= {"value": as_json_data(data_from(leaves, inner), inner), "shown": show(leaves, inner)}
    return told


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['contract']} at {found['address']}, chain {found['chain']}, block {found['block']}"]
    if found["about"]:
        lines.append(f"  {found['about'].strip().splitlines()[0]}")
    lines += [
        f"  from {found['source']}, plan {found['plan']}",
        "  its code is what that plan compiles to",
        f"  version {found['version']}, balance {found['balance']} wei, hub {found['hub']}",
        f"  committee {found['committee']}: {len(found['nodes'])} nodes, of which {found['threshold']} together learn "
        "nothing",
        *(f"    {node}" for node in found["nodes"]),
        "functions",
    ]
    wide = max((len(f["signature"]) for f in found["functions"]), default=0)
    for function in found["functions"]:
        pays = ", payable" if function["payable"] else ""
        lines.append(f"  {function['signature']:{wide}}  {function['kind']}{pays}")
        lines += [f"    learns: {text}" for text in function["learns"]]
    lines.append("state")
    for state in found["state"]:
        kind = "private, with the nodes" if state["private"] else state.get("shown", "public, read by key")
        lines.append(f"  {state['name']}: {state['type']}  {kind}")
    return lines
