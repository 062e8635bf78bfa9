"""`enig deploy FILE --contract C -- ARGS`: a contract on a chain, served by a network's nodes."""

import sys
from pathlib import Path

import click

from enigmalang.cli.remotely import ADDRESS, chain_of_network, key_options, remotely


@click.command("deploy")
@click.argument("file", type=click.Path())
@click.option("--contract", metavar="NAME", help="The contract; may be left out when the file has only one.")
@chain_of_network
@click.option("--hub", type=ADDRESS, help="The hub, when no network is up on this machine.")
@click.option("--committee", type=click.IntRange(3, 9), default=3, show_default=True, metavar="N",
              help="How many nodes are drawn to serve it, on a network of nodes that are run one by one.")
@key_options
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]...")
def command(file: str, contract: str | None, url: str | None, hub: str | None, committee: int, key: str | None,
            password_file: Path | None, value: int, fee: int | None, confirmations: int,
            arguments: tuple[str, ...]) -> int:
    """Deploy a contract of FILE; its address goes to stdout.

    ARGS are the arguments of its `init`, written as in a program. @FILE takes one from a file, and - from standard
    input (a line each): so a private argument need not stand on the command line.
    """
    where = (url, hub, confirmations)
    return remotely(
        lambda: _deploy(file, contract, where, committee, (key, password_file), (value, fee), arguments), file)


def _deploy(file: str, wanted: str | None, where: tuple[str | None, str | None, int], committee: int,
            key: tuple[str | None, Path | None], money: tuple[int, int | None], arguments: tuple[str, ...]) -> int:
    from enigmalang.chain.ledger import FEE
    from enigmalang.chain.vyper import compile_contract
    from enigmalang.cli.acting import acting, address_named
    from enigmalang.cli.arguments import leaves_of_arguments
    from enigmalang.cli.programs import compiled
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.node.remote import RemoteError, choose_network
    from enigmalang.node.remote_calls import deploy
    from enigmalang.plan.codec import hash_plan

    plan = compiled(file)
    name = wanted or (next(iter(plan.contracts)) if len(plan.contracts) == 1 else "")
    if name not in plan.contracts:
        names = ", ".join(plan.contracts) or "none"
        raise RemoteError("E0516", f"{file} has no contract {name}" if name else f"{file} has several contracts",
                          f"say --contract with one of its contracts: {names}")
    compile_contract(plan, name)  # what cannot live on a chain is said before anything is sent
    chain, network = choose_network(*where)
    with chain.evm:
        init = plan.functions.get(f"{name}.init")
        if init is None and arguments:
            raise RemoteError("E0608", f"{name} takes no arguments: it has no `init`")
        args = leaves_of_arguments(init.public, arguments, lambda n: address_named(chain, n)) if init else []
        identity = acting(chain, *key)
        address = deploy(chain, network, plan, name, identity, args, value=money[0],
                         fee=FEE if money[1] is None else money[1], say=_say, size=committee)
    serving = committee if network.drawn else len(network.nodes)
    _say(f"{name} is deployed on chain {network.chain}, served by {serving} nodes; "
         f"plan {hash_plan(plan).hex()}")
    print(checksummed(address))
    return 0


def _say(text: str) -> None:
    from enigmalang.diagnostics.render import shown

    print(shown(str(text)), file=sys.stderr, flush=True)
