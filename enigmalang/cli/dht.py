"""`enig dht put|get|show|rent|balance|reader`: data that nodes keep off the chain."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from enigmalang.cli.remotely import ADDRESS, Wei, chain_of_network, remotely

if TYPE_CHECKING:
    from enigmalang.chain.hub import Hub
    from enigmalang.identity.keys import Identity
    from enigmalang.node.remote_storage import Nodes

F = TypeVar("F", bound=Callable[..., Any])


@click.group("dht")
def command() -> None:
    """Keep files at the nodes of a network: sealed for those who may read them, under a key on the hub.

    \b
    enig dht put report report.pdf --readers bob,carol
    enig dht get report -o copy.pdf --key bob
    """


def _hub_option(function: F) -> F:
    return click.option("--hub", type=ADDRESS, help="The hub, when no network is up on this machine.")(function)


def _key(function: F) -> F:
    """`--key`, `--password-file`."""
    for option in (
        click.option("--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                     help="Take the key's password from the first line of FILE; without it, it is asked for."),
        click.option("--key", "name", metavar="NAME", help="Act with this key (`enig keys list`); on a development "
                     "chain any other name is a development identity's, and without --key it is `me`."),
    ):
        function = option(function)
    return function


@command.command("put")
@click.argument("key")
@click.argument("file", type=click.Path())
@click.option("--readers", metavar="NAME,...", help="Who may read it beside its owner: identities of a development "
              "chain, or what `enig dht reader` showed them. Without it: nobody else.")
@click.option("--anyone", is_flag=True, help="Store it in the clear, for anyone.")
@click.option("--rent", type=ADDRESS, help="Pay for it to this contract, where nodes ask for rent.")
@click.option("--days", type=click.IntRange(1, 36_500), default=30, show_default=True, metavar="N",
              help="With --rent: for so long.")
@click.option("--renew", is_flag=True, help="With --rent: again and again, from what the key has put into "
              "the contract.")
@_key
@chain_of_network
@_hub_option
def put(key: str, file: str, readers: str | None, anyone: bool, rent: str | None, days: int, renew: bool,
        name: str | None, password_file: Path | None, url: str | None, hub: str | None) -> int:
    """Store FILE, of at most 64 MB, under KEY. What was there before is replaced.

    It is sealed on this machine; then the hub points to it (a transaction that the key pays), and nodes take it.
    """
    if anyone and readers:
        raise click.UsageError("--anyone and --readers contradict each other")
    paid, acts = (rent, days, renew), (name, password_file)
    return remotely(lambda: _put(key, file, readers, anyone, paid, acts, (url, hub)), file)


def _put(key: str, file: str, readers: str | None, anyone: bool, paid: tuple[str | None, int, bool],
         acts: tuple[str | None, Path | None], where: tuple[str | None, str | None]) -> int:
    from enigmalang.chain.rules import words_of
    from enigmalang.chain.storage import DAY
    from enigmalang.cli.acting import acting
    from enigmalang.identity.predicates import ANYONE, OWNER, Predicate
    from enigmalang.node.remote_storage import BadSource, RemoteError, Rent, rent_contract, with_funds
    from enigmalang.node.remote_storage import put as store

    with _opened(file) as source, _hub_of(where) as hub, _nodes_of(hub) as nodes:
        owner = acting(hub.chain, *acts)
        with_funds(hub.chain, owner.address)
        others = [_reader(hub, text) for text in (readers or "").split(",") if text.strip()]
        rule = ANYONE if anyone else Predicate("only", tuple(address for address, _ in others)) if others else OWNER
        rent = Rent(rent_contract(hub.chain, paid[0]), paid[1] * DAY, paid[2]) if paid[0] else None
        keys = None if anyone else [owner.public_key, *(public for _, public in others)]
        try:
            done = store(hub, nodes, owner, _hub_key(key), source, os.fstat(source.fileno()).st_size, keys,
                         words_of(rule), rent)
        except (BadSource, OSError) as error:
            raise RemoteError("E0601", f"{file}: {error}") from None
    for holder in done.holders:
        print(holder)
    if len(done.holders) < done.wanted:
        _say(f"only {len(done.holders)} of {done.wanted} nodes have it: the others follow when there are such nodes")
    _say(f"{key}: {done.record.size:,} bytes at {len(done.holders)} nodes, "
         + ("in the clear" if anyone else f"sealed for {len(set(keys or ()))}"))
    return 0


@command.command("get")
@click.argument("key")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write it to FILE, which appears when all of it is there; without it: standard output.")
@_key
@chain_of_network
@_hub_option
def get(key: str, output: Path | None, name: str | None, password_file: Path | None, url: str | None, hub: str | None
        ) -> int:
    """Read what is stored under KEY. Every piece is checked before it is written."""
    return remotely(lambda: _get(key, output, (name, password_file), (url, hub)), key)


def _get(key: str, output: Path | None, acts: tuple[str | None, Path | None], where: tuple[str | None, str | None]
         ) -> int:
    from enigmalang.cli.acting import acting
    from enigmalang.node.remote_storage import RemoteError, find, read

    with _hub_of(where) as hub, _nodes_of(hub) as nodes:
        found = find(hub, nodes, _hub_key(key))
        open_to_all = found.record is not None and not found.record.sealing.sealed
        reader = None if open_to_all and acts[0] is None else acting(hub.chain, *acts)
        if output is None:
            read(hub, nodes, found, reader, sys.stdout.buffer.write)
            sys.stdout.buffer.flush()
            return 0
        try:
            size = _whole_file(output, lambda file: read(hub, nodes, found, reader, file.write))
        except OSError as error:
            raise RemoteError("E0601", f"{output} cannot be written: {error.strerror or error}") from None
    _say(f"{key}: {size:,} bytes")
    return 0


@command.command("show", short_help="Say what is stored under KEY, and where.")
@click.argument("key")
@chain_of_network
@_hub_option
def show(key: str, url: str | None, hub: str | None) -> int:
    """Say what is stored under KEY: whose it is, who may read it, how large it is, and which nodes have it."""
    return remotely(lambda: _show(key, (url, hub)), key)


def _show(key: str, where: tuple[str | None, str | None]) -> int:
    from datetime import UTC, datetime

    from enigmalang.chain.rules import rule_text
    from enigmalang.dht.chunks import content_size
    from enigmalang.diagnostics.render import shown
    from enigmalang.node.remote_storage import find

    with _hub_of(where) as hub, _nodes_of(hub) as nodes:
        found = find(hub, nodes, _hub_key(key))
        print(f"key      0x{_hub_key(key).hex()}")
        print(f"owner    {found.pointer.owner}")
        print(f"readers  {rule_text(hub.rule(found.pointer.rule))}")
    if found.record is None:
        print("holders  none that was found")
        return 1
    record = found.record
    sealed = f"sealed for {len(record.sealing.wraps)}" if record.sealing.sealed else "in the clear"
    size = content_size(record.size, record.sealing.sealed)
    chunks = "1 chunk" if record.value.chunks == 1 else f"{record.value.chunks} chunks"
    print(f"size     {size:,} bytes in {chunks}, {sealed}")
    print(f"version  {record.version}")
    if record.kind:
        print(f"type     {shown(record.kind)}, of a program")
    if record.expires:
        print(f"expires  {datetime.fromtimestamp(record.expires, UTC):%Y-%m-%d %H:%M} UTC")
    print(f"holders  {' '.join(found.holders)}")
    return 0


@command.command("rent", short_help="Pay anew for what is stored under KEY.")
@click.argument("key")
@click.option("--rent", type=ADDRESS, required=True, help="The contract that rent is paid to.")
@click.option("--days", type=click.IntRange(1, 36_500), default=30, show_default=True, metavar="N",
              help="Pay for so long.")
@click.option("--renew/--no-renew", default=True, help="Again and again, from what the key has put into the contract.")
@_key
@chain_of_network
@_hub_option
def rent_of(key: str, rent: str, days: int, renew: bool, name: str | None, password_file: Path | None, url: str | None,
            hub: str | None) -> int:
    """Pay for what is stored under KEY anew, to the nodes that hold it now. What is left of the lease before comes
    back.

    A lease pays the nodes that its owner named. When one of them is gone and another has taken a copy, this names it.
    """
    return remotely(lambda: _rent(key, (rent, days, renew), (name, password_file), (url, hub)), key)


def _rent(key: str, paid: tuple[str, int, bool], acts: tuple[str | None, Path | None],
          where: tuple[str | None, str | None]) -> int:
    from enigmalang.chain.storage import DAY
    from enigmalang.cli.acting import acting
    from enigmalang.node.remote_storage import Rent, lease_again, rent_contract, with_funds

    with _hub_of(where) as hub, _nodes_of(hub) as nodes:
        owner = acting(hub.chain, *acts)
        with_funds(hub.chain, owner.address)
        rent = Rent(rent_contract(hub.chain, paid[0]), paid[1] * DAY, paid[2])
        for holder in lease_again(hub, nodes, owner, _hub_key(key), rent):
            print(holder)
    return 0


@command.command("balance", short_help="Show, fill or empty what a key has for rent.")
@click.option("--rent", type=ADDRESS, required=True, help="The contract that rent is paid to.")
@click.option("--deposit", type=Wei(), metavar="WEI", help="Put this into it, for leases that renew themselves.")
@click.option("--withdraw", is_flag=True, help="Take all of it back.")
@_key
@chain_of_network
@_hub_option
def balance(rent: str, deposit: int | None, withdraw: bool, name: str | None, password_file: Path | None,
            url: str | None, hub: str | None) -> int:
    """Show the wei that the key has in the contract, after --deposit or --withdraw. Leases are renewed from it, and
    what is left of a lease that was ended is in it.
    """
    if deposit is not None and withdraw:
        raise click.UsageError("--deposit and --withdraw contradict each other")
    return remotely(lambda: _balance(rent, deposit, withdraw, (name, password_file), (url, hub)), name or "")


def _balance(rent: str, deposit: int | None, withdraw: bool, acts: tuple[str | None, Path | None],
             where: tuple[str | None, str | None]) -> int:
    from enigmalang.cli.acting import acting
    from enigmalang.node.remote_storage import rent_contract, with_funds

    with _hub_of(where) as hub:
        owner, contract = acting(hub.chain, *acts), rent_contract(hub.chain, rent)
        if owner.signing is not None and (deposit or withdraw):
            with_funds(hub.chain, owner.address)
            if deposit:
                contract.deposit(owner.signing, deposit)
            else:
                _say(f"{contract.withdraw(owner.signing)} wei came back")
        print(contract.balance(owner.address))
    return 0


@command.command("reader", short_help="Show what others need to store for you.")
@click.option("--publish", is_flag=True, help="Also publish it on the hub (a transaction that the key pays), so that "
              "programs can store data for you by your address alone.")
@_key
@chain_of_network
@_hub_option
def reader_of(publish: bool, name: str | None, password_file: Path | None, url: str | None, hub: str | None) -> int:
    """Show what others need to store data for you: ADDRESS:KEY, for their --readers. Nothing of it is secret."""
    def shown() -> int:
        from enigmalang.chain.receiving import publish_receiving_key
        from enigmalang.cli.acting import acting
        from enigmalang.node.remote_storage import with_funds

        with _hub_of((url, hub)) as found:
            identity = acting(found.chain, name, password_file)
            if publish and identity.signing is not None:
                with_funds(found.chain, identity.address)
                publish_receiving_key(found.chain, found.address, identity.signing, identity.public_key)
        print(f"{identity.address}:{identity.public_key.hex()}")
        return 0

    return remotely(shown, name or "")


# ---- what the commands share


def _hub_key(text: str) -> bytes:
    """As `DHT[text]` of a program."""
    from enigmalang.chain.logbook import key_id

    return key_id((text,))


@contextmanager
def _hub_of(where: tuple[str | None, str | None]) -> "Iterator[Hub]":
    """The hub of a network, until the end of the `with`."""
    from enigmalang.chain.hub import Hub
    from enigmalang.node.remote import choose_network

    chain, network = choose_network(*where)
    with chain.evm:
        yield Hub(chain, network.hub)


def _nodes_of(hub: "Hub") -> "Nodes":
    """Raises RemoteError E0709 when the hub has none with a port."""
    from enigmalang.node.remote import RemoteError, active_nodes
    from enigmalang.node.remote_storage import Nodes

    contacts = active_nodes(hub)
    if not contacts:
        raise RemoteError("E0709", f"the hub {hub.address} has no nodes that can be reached",
                          "`enig node start` runs one; those of `enig chain up` keep no data")
    return Nodes(contacts)


def _reader(hub: "Hub", text: str) -> tuple[str, bytes]:
    """The address and the X25519 key of a reader. Raises RemoteError E0710."""
    from enigmalang.identity.keys import Keystore
    from enigmalang.node.receivers import check_keys
    from enigmalang.node.remote_storage import RemoteError

    text = text.strip()
    address, colon, public = text.partition(":")
    with suppress(ValueError):
        if colon and len(bytes.fromhex(address.removeprefix("0x"))) == 20:
            key = bytes.fromhex(public)
            check_keys([key])
            return address.lower(), key
    if hub.chain.development and text.isidentifier():
        identity: Identity = Keystore().get(text)
        return identity.address, identity.public_key
    raise RemoteError("E0710", f"{text!r} is no reader", "a reader is what `enig dht reader --key NAME` shows: "
                      "ADDRESS:KEY; on a development chain also a name")


def _opened(file: str) -> BinaryIO:
    from enigmalang.node.remote_storage import RemoteError

    try:
        return open(file, "rb")
    except OSError as error:
        raise RemoteError("E0601", f"{file} cannot be read: {error.strerror}") from None


def _whole_file(path: Path, write: Callable[[BinaryIO], int]) -> int:
    """`write` fills a file that appears at `path`, for its owner alone, when all is in it."""
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = write(file)
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    return size


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
