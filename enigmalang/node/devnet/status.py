"""How a devnet is: as JSON, and as lines for a person."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainError
from enigmalang.chain.rpc import RpcEvm
from enigmalang.ethereum.hashing import checksummed
from enigmalang.node.daemon.config import read_config
from enigmalang.node.daemon.control import NoDaemon, ask
from enigmalang.node.daemon.keys import KeyFolder
from enigmalang.node.daemon.pidfile import running
from enigmalang.node.devnet import folder as folders
from enigmalang.node.devnet.folder import DevnetError

Json = Any
#: Seconds that each process has for its answer.
ANSWER_SECONDS = 10.0


def look(folder: Path) -> dict[str, Json]:
    """All of it. Raises DevnetError where there is no devnet."""
    made = folders.read_made(folder)
    if made is None:
        raise DevnetError(f"there is no devnet in {folder}: `enig devnet up` makes one")
    where = folders.node_folders(folder)
    with ThreadPoolExecutor(len(where) + 1) as pool:
        asked = pool.submit(_chain, folder, made.chain)
        nodes = list(pool.map(_node, where))
    chain = asked.result()
    well = chain["up"] and bool(nodes) and all(node["healthy"] for node in nodes)
    return {"folder": str(folder), "healthy": well, "chain": chain, "hub": made.hub or None, "rent": made.rent or None,
            "nodes": nodes}


def runs(status: Mapping[str, Json]) -> bool:
    """Whether any part of it runs."""
    return bool(status["chain"]["up"] or any(node["up"] for node in status["nodes"]))


def _chain(folder: Path, kind: str) -> dict[str, Json]:
    url, block, number = folders.chain_url(folder), None, None
    try:
        with RpcEvm(url, ANSWER_SECONDS) as evm:
            chain = Chain(evm)
            block, number = chain.block_number(), chain.id
    except ChainError:
        pass  # `up` says so
    return {"kind": kind, "url": url, "up": block is not None, "pid": running(folders.chain_folder(folder)),
            "id": number, "block": block}


def _node(folder: Path) -> dict[str, Json]:
    config, pid = read_config(folder), running(folder)
    found: dict[str, Json] = {
        "number": int(folder.name), "address": KeyFolder(folder).address(), "folder": str(folder), "pid": pid,
        "up": pid is not None, "healthy": False, "phase": "down" if pid is None else "does not answer",
        "endpoint": config.node.endpoint, "monitor": config.monitor.port, "block": None, "committees": [], "jobs": {},
    }
    if pid is None:
        return found
    try:
        told = ask(folder, "status", ANSWER_SECONDS)
    except NoDaemon:
        return found
    return {**found, "block": told["chain"]["block"],
            **{name: told[name] for name in ("healthy", "phase", "endpoint", "monitor", "committees", "jobs")}}


# ---- for a person


def lines(status: Mapping[str, Json]) -> list[str]:
    chain = status["chain"]
    how = f"block {chain['block']}, pid {chain['pid']}" if chain["up"] else "down"
    shown = [f"folder     {status['folder']}", f"chain      {chain['kind']}, {how}, {chain['url']}",
             f"hub        {checksummed(status['hub']) if status['hub'] else 'none yet'}"]
    if status["rent"]:
        shown.append(f"rent       {checksummed(status['rent'])}")
    return [*shown, *map(_line, status["nodes"])]


def _line(node: Mapping[str, Json]) -> str:
    head = f"node {node['number']:<5} {checksummed(node['address']) if node['address'] else 'without a key'}  "
    if not node["up"]:
        return head + "down: `enig devnet up` starts it"
    where = f"{node['phase']}{'' if node['healthy'] else ', not well'}, pid {node['pid']}, {node['endpoint']}"
    if node["block"] is None:
        return head + where
    committees = ", ".join(map(str, node["committees"])) or "none"
    jobs = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in node["jobs"].items())
    return f"{head}{where}, block {node['block']}; committees {committees}; jobs {jobs}"
