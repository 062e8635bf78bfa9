"""`:nodes`: what each node holds (the whitepaper's local view): its own shares, which are opaque, and nothing else."""

from collections.abc import Iterator
from math import comb, prod

from enigmalang.circuits.circuit import Form
from enigmalang.execute.trace import Traced, Wire
from enigmalang.fields import field_named
from enigmalang.repl.interactive import Interactive
from enigmalang.repl.network import Network
from enigmalang.sharing.structure import structure


def node_views(session: Interactive) -> str:
    """A text, one paragraph a node."""
    network = session.engine
    if not isinstance(network, Network):
        return f"the {session.settings.engine} engine has no nodes; `enig repl --engine mpc` starts some\n"
    if (failure := network.failure()) is not None:
        return f"the nodes are lost ({failure}); `:reset` starts new ones\n"
    rows = list(_held(session, network))
    total = sum(size for _, _, size in rows)
    names = max((len(name) for name, _, _ in rows), default=0)
    values = f"{len(rows)} value{'' if len(rows) == 1 else 's'}"
    lines = []
    for node, pid in sorted(network.pids.items()):
        lines.append(f"node {node}, process {pid}: shares of {values}, {total:,} bytes")
        lines += [f"  {name.ljust(names)}  {what}, {size:,} bytes" for name, what, size in rows]
    count, most = network.nodes, network.threshold
    lines.append(f"Any {most} of the {count} nodes together learn nothing of a value; {most + 1} could open it.")
    return "\n".join(lines) + "\n"


def _held(session: Interactive, network: Network) -> Iterator[tuple[str, str, int]]:
    """For each private leaf that the nodes hold: its name, what a node has of it, and the bytes of that."""
    for name, variable in session.session.variables.items():
        secrets = [leaf for leaf in variable.leaves if isinstance(leaf, Traced)]
        for number, leaf in enumerate(secrets):
            wires = [wire for wire in (leaf.arith, leaf.bits) if wire is not None and _is_held(wire)]
            label = name if len(secrets) == 1 else f"{name}.{number}"
            for wire in wires:
                yield label, *_share(wire, network)


def _is_held(wire: Wire) -> bool:
    return wire.handle is not None or wire.is_row


def _share(wire: Wire, network: Network) -> tuple[str, int]:
    count = prod(wire.shape)
    if wire.form is Form.ARITH:
        size = (field_named(network.field).p.bit_length() + 63) // 64 * 8
        return f"{count} Shamir share{'' if count == 1 else 's'}", count * size
    if structure(network.nodes, network.threshold).wide:
        planes = network.nodes.bit_length()
        return f"shares of {count} bit{'' if count == 1 else 's'}", planes * -(-count // 64) * 8
    copies = comb(network.nodes - 1, network.threshold)
    return f"{copies} replicated shares of {count} bit{'' if count == 1 else 's'}", copies * -(-count // 64) * 8
