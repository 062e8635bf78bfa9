"""What a soak is asked for."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """`kill_every`: seconds between two kills, 0 for none. `jobs`: the clients end after so many instead of after
    `minutes`. `spare`: how many nodes are never killed, so that their memory is seen over a long life. `file_bytes`: of
    the file that two of its holders are lost of, 0 to leave that out."""

    minutes: float = 30.0
    nodes: int = 7
    clients: int = 5
    kill_every: float = 10.0
    spare: int = 1
    jobs: int | None = None
    seed: int = 1
    file_bytes: int = 20 << 20
    folder: Path | None = None


def arguments(words: Sequence[str]) -> tuple[Options, Path | None]:
    """The options, and the file for the report as JSON. Exits with status 2 for words that are not understood."""
    usual = Options()
    parser = argparse.ArgumentParser("python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=usual.minutes, metavar="M")
    parser.add_argument("--nodes", type=int, default=usual.nodes, metavar="N", choices=range(4, 32))
    parser.add_argument("--clients", type=int, default=usual.clients, metavar="N", choices=range(3, 17))
    parser.add_argument("--kill-every", type=float, default=usual.kill_every, metavar="SECONDS", help="0: nobody is")
    parser.add_argument("--spare", type=int, default=usual.spare, metavar="N", help="nodes that are never killed")
    parser.add_argument("--jobs", type=int, metavar="N", help="end after so many jobs instead")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--file-bytes", type=int, default=usual.file_bytes, metavar="N",
                        help="of the file that is to outlive two nodes; 0: none")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="keep the devnet there; default: a temporary one")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the report as JSON there, too")
    found = parser.parse_args(words)
    if not 0 < found.spare < found.nodes:
        parser.error(f"--spare {found.spare} of {found.nodes} nodes: one at least, and not all of them")
    chosen = Options(found.minutes, found.nodes, found.clients, found.kill_every, found.spare, found.jobs, found.seed,
                     found.file_bytes, found.folder)
    return chosen, found.save
