"""What a node is doing: as JSON, and as lines for a person."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from enigmalang.chain.errors import shown
from enigmalang.ethereum.hashing import checksummed
from enigmalang.node.daemon.config import Config

Json = Any
#: Lines of each list that a person is shown.
SHOWN = 12


def without_daemon(config: Config, address: str | None) -> dict[str, Json]:
    """What can be said of a node that does not run."""
    return {"running": False, "address": address, "endpoint": config.node.endpoint,
            "chain": {"url": shown(config.chain.url), "hub": config.chain.hub}}


def lines(status: Mapping[str, Json]) -> list[str]:
    """For a person."""
    rows = [("node", checksummed(status["address"]) if status["address"] else "has no key yet: `enig node init`")]
    if not status["running"]:
        rows += [("running", "no: `enig node start` starts it"), ("endpoint", status["endpoint"]),
                 ("chain", status["chain"]["url"]), ("hub", status["chain"]["hub"])]
        return [_row(name, text) for name, text in rows]
    rows += [("running", f"{status['phase']}, pid {status['pid']}, for {_duration(status['uptime_seconds'])}"),
             ("health", "fine" if status["healthy"] else _unwell(status["checks"])),
             ("standing", _standing(status)), ("money", _money(status)), ("chain", _chain(status["chain"])),
             ("hub", status["chain"]["hub"]), ("endpoint", _endpoint(status)),
             ("key", f"{status['channel']['fingerprint'][:16]}…, {status['channel']['age_days']:.0f} days old"),
             ("serves", _serves(status)), ("jobs", _jobs(status["jobs"])),
             ("stored", _bytes(status["stored_bytes"]))]
    shown = [_row(name, text) for name, text in rows]
    shown += _list("peers", f"{len(status['peers']['connected'])} connected of {status['peers']['known']} known",
                   [_peer(peer) for peer in status["peers"]["connected"]])
    for name, part in status["parts"].items():
        shown += _list(name, str(part.get("text", "")), [str(job) for job in part.get("jobs", ())])
    if status["problems"]:
        shown += _list("problems", "the last ones",
                       [f"{p['time']} {p['text']}" for p in reversed(status["problems"])])
    return shown


def _row(name: str, text: str) -> str:
    """Printable: texts of chains and peers are among them."""
    return "".join(char if char.isprintable() else "?" for char in f"{name:10} {text}")


def _list(name: str, head: str, entries: Sequence[str]) -> list[str]:
    more = [f"and {len(entries) - SHOWN} more"] if len(entries) > SHOWN else []
    return [_row(name, head), *(_row("", entry) for entry in [*entries[:SHOWN], *more])]


def _unwell(checks: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")


def _standing(status: Mapping[str, Json]) -> str:
    if status["standing"] == "leaving":
        return f"leaving; its notice ends {moment(status['leaves'])}, then `enig node leave --withdraw`"
    if status["standing"] in status["checks"].values():
        return "not on the hub: health says why"
    return str(status["standing"])


def _money(status: Mapping[str, Json]) -> str:
    if status["balance"] is None:
        return "not known yet"
    return (f"deposit {_ether(int(status['deposit']))}, owed {_ether(int(status['owed']))}, "
            f"balance {_ether(int(status['balance']))}")


def _serves(status: Mapping[str, Json]) -> str:
    """The committees that it serves now: the hub lists some for longer."""
    seats = status["parts"].get("seats")
    if seats is None:
        listed = ", ".join(map(str, status["committees"]))
        return f"nothing yet; has seats in committee {listed}" if listed else "nothing yet"
    said = [f"{_contracts(each['contracts'])} in committee {each['committee']}" for each in seats["serves"]]
    return "; ".join(said) or "no committee"


def _contracts(contracts: Sequence[str] | None) -> str:
    if contracts is None:
        return "(being read)"
    return f"{len(contracts)} contracts" if len(contracts) != 1 else f"contract {contracts[0]}"


def _chain(chain: Mapping[str, Json]) -> str:
    if chain["block"] is None:
        return f"{chain['url']}, not reached yet"
    return (f"{chain['url']} (number {chain['id']}), block {chain['block']}, lag {chain['lag']}, heard "
            f"{_duration(chain['silent_seconds'])} ago")


def _endpoint(status: Mapping[str, Json]) -> str:
    return f"{status['endpoint']}, listening at {status['listening']}"


def _jobs(jobs: Mapping[str, Json]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in jobs.items())


def _peer(peer: Mapping[str, Json]) -> str:
    return (f"{checksummed(peer['address'])} since {moment(peer['since'])}, "
            f"{_bytes(peer['received'])} in, {_bytes(peer['sent'])} out")


def moment(seconds: float) -> str:
    """Seconds since 1970, for a person."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(seconds: float) -> str:
    whole = int(seconds)
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {name}"
    return f"{whole} s"


def _bytes(number: int) -> str:
    for size, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= size:
            return f"{number / size:.1f} {name}"
    return f"{number} B"


def _ether(wei: int) -> str:
    """Amounts as people have them; small ones in wei."""
    return f"{wei} wei" if wei < 10**12 else f"{wei / 10**18:.6f}".rstrip("0").rstrip(".") + " ether"
