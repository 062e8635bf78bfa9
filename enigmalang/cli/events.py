"""`enig events ADDRESS`: what a contract emitted, and how its jobs went."""

import json
import sys
from time import sleep as pause
from typing import TYPE_CHECKING

import click

from enigmalang.cli.remotely import ADDRESS, chain_of_network, remotely

if TYPE_CHECKING:
    from enigmalang.node.remote_state import Event

#: Seconds between looks at the chain.
PAUSE = 0.5


@click.command("events")
@click.argument("address", type=ADDRESS)
@chain_of_network
@click.option("--follow", is_flag=True, help="Go on as events come, until Ctrl-C.")
@click.option("--confirmations", type=click.IntRange(0, 1000), default=0, show_default=True, metavar="N",
              help="Show an event when N blocks follow its own. One that a reorganisation takes back is shown again, "
              "as removed.")
@click.option("--json", "as_json", is_flag=True, help="Write a JSON object a line.")
def command(address: str, url: str | None, follow: bool, confirmations: int, as_json: bool) -> int:
    """Show the events of the contract at ADDRESS, oldest first: its own, and JobOpened, JobSettled, JobFailed,
    JobExpired of its jobs. No value that is private is in any of them.
    """
    return remotely(lambda: _events(address, url, follow, confirmations, as_json), address)


def _events(address: str, url: str | None, follow: bool, depth: int, as_json: bool) -> int:
    from enigmalang.chain.follow import Follower
    from enigmalang.node.remote import find_contract
    from enigmalang.node.remote_state import read_event, topics_of

    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with find_contract(address, url) as remote:
        addresses, topics = topics_of(remote)
        follower = Follower(remote.chain, addresses, topics, start=remote.hub.first_block(), depth=depth)
        while True:
            for notice in follower.poll():
                event = read_event(remote, notice.log, notice.removed)
                if event is not None:
                    print(_json(event) if as_json else _line(event))
            if not follow:
                return 0
            pause(PAUSE)


def _line(event: "Event") -> str:
    """`block 7  Joined(who=0x…, total=1)`."""
    from enigmalang.execute.values import show_data

    fields = ", ".join(f"{name}={show_data(data, type)}" for name, type, data in event.fields)
    return f"{'removed: ' * event.removed}block {event.log.block}  {event.name}({fields})"


def _json(event: "Event") -> str:
    from enigmalang.cli.shown import as_json_data

    fields = {name: as_json_data(data, type) for name, type, data in event.fields}
    return json.dumps({"block": event.log.block, "transaction": event.log.transaction, "event": event.name,
                       "fields": fields, "removed": event.removed})


