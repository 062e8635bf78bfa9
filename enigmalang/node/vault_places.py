"""Which vault a command uses, and new ones."""

from collections.abc import Callable

from enigmalang.chain.client import Chain
from enigmalang.chain.hub import Hub
from enigmalang.chain.vault import FIELD, deploy_vault, find_vaults, is_vault
from enigmalang.identity.keys import Identity
from enigmalang.node.networks import Network
from enigmalang.node.remote import RemoteError, Served, service_of
from enigmalang.node.remote_forming import SIZE, with_committee

Say = Callable[[str], None]


def new_vault(chain: Chain, network: Network, identity: Identity, say: Say = lambda text: None, size: int = SIZE,
              rotation: int = 0) -> str:
    """The address of a new vault, served by `size` nodes drawn for it, and by others after each `rotation` jobs (0: as
    long as these are there). Raises RemoteError, ChainError."""
    _check(network)
    if identity.signing is None:
        raise RemoteError("E0710", f"{identity.name} has no key of its own")
    committee = with_committee(chain, network, identity, FIELD, say, size, rotation).committee
    return deploy_vault(chain, identity.signing, network.hub, committee)


def choose_vault(chain: Chain, network: Network, address: str | None, deployer: Callable[[], Identity],
                 say: Say = lambda text: None) -> Served:
    """The vault at `address`; without one, on a development chain, the newest of the network, which `deployer` makes
    if there is none. Raises RemoteError, ChainError."""
    _check(network)
    hub = Hub(chain, network.hub)
    if address is None:
        address = _found(chain, network, hub, deployer, say)
    attachment = hub.attachment(address)
    if not attachment.committee or not is_vault(chain, address):
        raise RemoteError("E0516", f"what is at {address} is no vault of the hub {hub.address}",
                          "`enig deploy --vault` puts one on the network, and says its address")
    return Served(chain, address, hub, attachment, service_of(hub, attachment.committee))


def _found(chain: Chain, network: Network, hub: Hub, deployer: Callable[[], Identity], say: Say) -> str:
    known = find_vaults(hub)
    if not chain.development:  # anybody may have put one there, with nodes of their choice
        rows = "".join(f"\n--vault {address}" for address in known)
        raise RemoteError("E0516", "no vault is named, and this is no development chain",
                          f"say whose nodes are to keep `MPC`: --vault ADDRESS; on this hub there are:{rows}" if rows
                          else "`enig deploy --vault` puts one on the network, and says its address")
    if known:
        return known[0]
    address = new_vault(chain, network, deployer(), say)
    say(f"there was no vault on this network: {address} is one now")
    return address


def _check(network: Network) -> None:
    if not network.drawn:
        raise RemoteError("E0803", "`MPC` of scripts is kept by nodes that are run one by one, of which a committee is "
                          "drawn; the nodes of this network serve as one", "`enig devnet up` starts such a network")
