"""`enig deploy FILE --contract C -- ARGS`: a contract on a chain, served by a network's nodes. `--vault`: a vault."""

from pathlib import Path

import click

from enigmalang.cli.remotely import ADDRESS, chain_of_network, key_options, remotely


@click.command("deploy")
@click.argument("file", type=click.Path(), required=False)
@click.option("--vault", is_flag=True, help="Not a contract of a FILE, but a vault, where nodes keep `MPC` of scripts "
              "and compute with it: `enig run --network --vault ADDRESS`.")
@click.option("--contract", metavar="NAME", help="The contract; may be left out when the file has only one.")
@chain_of_network
@click.option("--hub", type=ADDRESS, help="The hub, when no network is up on this machine.")
@click.option("--committee", type=click.IntRange(3, 9), default=3, show_default=True, metavar="N",
              help="How many nodes are drawn to serve it, on a network of nodes that are run one by one.")
@click.option("--rotate", type=click.IntRange(0, (1 << 32) - 1), default=0, metavar="JOBS",
              help="Have other nodes drawn after each JOBS jobs; 1: for each job. 0: only when nodes leave, or after "
                   "the time that they set.")
@key_options
@click.argument("arguments", nargs=-1, metavar="[-- ARGS]...")
def command(file: str | None, vault: bool, contract: str | None, url: str | None, hub: str | None, committee: int,
            rotate: int, key: str | None, password_file: Path | None, value: int, fee: int | None, confirmations: int,
            arguments: tuple[str, ...]) -> int:
    """Deploy a contract of FILE, or a vault; its address goes to stdout.

    ARGS are the arguments of its `init`, written as in a program. @FILE takes one from a file, and - from standard
    input (a line each): so a private argument need not stand on the command line.
    """
    where, served = (url, hub, confirmations), (committee, rotate)
    if vault:
        if file or contract or arguments or value or fee is not None:
            raise click.UsageError("a vault is no contract of a file: --vault goes with --chain, --hub, --committee, "
                                   "--rotate, --key and --password-file")
        return remotely(lambda: _deploy_vault(where, served, (key, password_file)), "--vault")
    if file is None:
        raise click.UsageError("say which FILE has the contract; or --vault")
    return remotely(
        lambda: _deploy(file, contract, where, served, (key, password_file), (value, fee), arguments), file)


def _deploy_vault(where: tuple[str | None, str | None, int], served: tuple[int, int],
                  key: tuple[str | None, Path | None]) -> int:
    from enigmalang.cli.acting import acting
    from enigmalang.cli.report import say
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.node.remote import choose_network
    from enigmalang.node.vault_places import new_vault

    chain, network = choose_network(*where)
    with chain.evm:
        address = new_vault(chain, network, acting(chain, *key), say, *served)
    say(f"a vault is on chain {network.chain}, served by {served[0]} nodes")
    print(checksummed(address))
    return 0


def _deploy(file: str, wanted: str | None, where: tuple[str | None, str | None, int], served: tuple[int, int],
            key: tuple[str | None, Path | None], money: tuple[int, int | None], arguments: tuple[str, ...]) -> int:
    from enigmalang.chain.ledger import FEE
    from enigmalang.chain.vyper import compile_contract
    from enigmalang.cli.acting import acting, address_named
    from enigmalang.cli.arguments import leaves_of_arguments
    from enigmalang.cli.programs import check_reach, compiled
    from enigmalang.cli.report import say
    from enigmalang.ethereum.hashing import checksummed
    from enigmalang.node.remote import RemoteError, choose_network
    from enigmalang.node.remote_calls import deploy
    from enigmalang.plan.codec import hash_plan

    plan = compiled(file)
    name = wanted or (next(iter(plan.contracts)) if len(plan.contracts) == 1 else "")
    if name not in plan.contracts:
        if not plan.contracts:
            raise RemoteError("E0516", f"{file} has no contract", "a script is run, not deployed: `enig run`")
        raise RemoteError("E0516", f"{file} has no contract {name}" if name else f"{file} has several contracts",
                          f"say --contract with one of its contracts: {', '.join(plan.contracts)}")
    check_reach(plan)
    compile_contract(plan, name)  # what cannot live on a chain is said before anything is sent
    chain, network = choose_network(*where)
    if served[1] and not network.drawn:
        raise RemoteError("E0709", "these nodes serve as one committee for ever: --rotate is for networks of nodes "
                          "that are run one by one", "`enig devnet up` starts such a network")
    with chain.evm:
        init = plan.functions.get(f"{name}.init")
        if init is None and arguments:
            raise RemoteError("E0608", f"{name} takes no arguments: it has no `init`")
        args = leaves_of_arguments(init.public, arguments, lambda n: address_named(chain, n)) if init else []
        identity = acting(chain, *key)
        address = deploy(chain, network, plan, name, identity, args, value=money[0],
                         fee=FEE if money[1] is None else money[1], say=say, size=served[0], rotation=served[1])
    serving = served[0] if network.drawn else len(network.nodes)
    say(f"{name} is deployed on chain {network.chain}, served by {serving} nodes; "
         f"plan {hash_plan(plan).hex()}")
    print(checksummed(address))
    return 0
