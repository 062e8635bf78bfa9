"""Key set-up of a committee: one round on private authenticated channels."""

from enigmalang.sharing import KEY_BYTES, Keys, keys_from_contributions, new_contributions, structure
from enigmalang.sharing.keys import message_for, shared_groups
from enigmalang.transport.network import Network


def exchange_keys(network: Network, t: int, tag: int = 0, wide: bool | None = None) -> Keys:
    """Every party contributes to the key of every set that it is in; a key is the XOR of the contributions.

    Adversary: honest but curious, at most t parties together; a key is random to all outside its set. One
    round; 32 bytes to a peer for each common set, at most 4 KB. Raises PeerError, and ValueError for n, t out of
    range.
    """
    shape, me = structure(network.n, t, wide), network.me
    mine = new_contributions(shape, me)
    peers = [peer for peer in shape.parties if peer != me]
    sends = {peer: message_for(shape, me, peer, mine) for peer in peers}
    expects = {peer: KEY_BYTES * len(shared_groups(shape, me, peer)) for peer in peers}
    return keys_from_contributions(shape, me, mine, network.exchange(tag, sends, expects))
