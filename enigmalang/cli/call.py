"""`enig call ADDRESS FUNCTION ARGS`: call a contract on a chain, or read its public state."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enigmalang.cli.remotely import ADDRESS, chain_of_network, key_options, remotely

if TYPE_CHECKING:
    from enigmalang.node.remote import Remote


@click.command("call")
@click.argument("address", type=ADDRESS)
@click.argument("function")
@click.argument("arguments", nargs=-1, metavar="[ARGS]...")
@chain_of_network
@key_options
@click.option("--json", "as_json", is_flag=True, help="Write the result, and what it cost, as JSON.")
def command(address: str, function: str, arguments: tuple[str, ...], url: str | None, key: str | None,
            password_file: Path | None, value: int, fee: int | None, confirmations: int, as_json: bool) -> int:
    """Call FUNCTION of the contract at ADDRESS; its result goes to stdout.

    A view is read, another public function is a transaction, one with a private part is a job: the nodes compute it,
    and its result is on the chain, attested by them. FUNCTION may also name public state, and ARGS a map's keys.

    ARGS are written as in a program: 90_000, True, 1.5, an address or the name of a key, lists and structs as JSON;
    negative numbers after `--`. @FILE takes an argument from a file, and - from standard input, a line each, asked for
    without an echo on a terminal: so that a secret need not stand on the command line, where other users of this
    machine and the shell's history see it.
    """
    where = (url, confirmations)
    return remotely(lambda: _call(address, function, arguments, where, (key, password_file), (value, fee), as_json),
                    f"{address}, {function}")


def _call(address: str, name: str, arguments: tuple[str, ...], where: tuple[str | None, int],
          key: tuple[str | None, Path | None], money: tuple[int, int | None], as_json: bool) -> int:
    from enigmalang.chain.ledger import FEE
    from enigmalang.cli.acting import acting, address_named
    from enigmalang.cli.arguments import leaves_of_arguments
    from enigmalang.cli.report import say
    from enigmalang.cli.shown import as_json_data
    from enigmalang.execute.values import data_from, show
    from enigmalang.node.remote import find_contract
    from enigmalang.node.remote_calls import Caller

    with find_contract(address, where[0], FEE if money[1] is None else money[1], where[1]) as remote:
        function = remote.plan.functions.get(f"{remote.name}.{name}")
        if function is None or function.public.kind not in ("external", "view"):
            return _read(remote, name, arguments, as_json)
        args = leaves_of_arguments(function.public, arguments, lambda n: address_named(remote.chain, n))
        done = Caller(remote, acting(remote.chain, *key), say).call(function, args, money[0])
        type = function.public.result
        if as_json:
            told = {"result": as_json_data(data_from(done.leaves, type), type)}
            told |= {"learned": [_plain(v) for v in done.learned]} if done.learned else {}
            told |= {} if done.job is None else {"job": done.job, "transaction": done.transaction, "paid": done.paid}
            print(json.dumps(told))
            return 0
        if done.job is not None:
            say(f"job {done.job} is done: transaction {done.transaction}; it cost {done.paid} wei")
        for value in done.learned:
            print(f"revealed to you: {_plain(value)}")
        if done.leaves:
            print(show(done.leaves, type))
        return 0


def _read(remote: "Remote", name: str, keys: tuple[str, ...], as_json: bool) -> int:
    """Public state, as `c.name` reads it in a program."""
    from enigmalang.cli.acting import address_named
    from enigmalang.cli.arguments import key_leaves
    from enigmalang.cli.shown import as_json_data, map_keys, names_of
    from enigmalang.execute.values import data_from, show
    from enigmalang.node.remote import RemoteError
    from enigmalang.node.remote_state import NotThere, read_state

    declared = remote.plan.contracts[remote.name].state.get(name)
    if declared is None or declared[1]:
        why = "is private: it is with the nodes" if declared else "is no function of it, and no state"
        raise RemoteError("E0516", f"{remote.name}: {name} {why}", f"it has {', '.join(names_of(remote)) or 'nothing'}")
    types, type = map_keys(declared[0])
    found = key_leaves(types, keys, lambda n: address_named(remote.chain, n), name)
    try:
        leaves = read_state(remote, name, found)
    except NotThere:
        raise RemoteError("E0511", f"{name} has nothing under {', '.join(keys)}") from None
    print(json.dumps({"result": as_json_data(data_from(leaves, type), type)}) if as_json else show(leaves, type))
    return 0


def _plain(value: Any) -> Any:
    """Numbers and truths as they are; their types are not told."""
    return value.tolist() if hasattr(value, "tolist") else value
