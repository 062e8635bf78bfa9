"""Keys that people receive private values under, published by themselves in `L`.

Under ("enigma receiving key", ADDRESS) only what ADDRESS itself wrote counts: nobody can put their key in another's
place, though anyone may write there.
"""

from enigmalang.chain.abi import abi_name
from enigmalang.chain.client import Chain, Receipt, Tag
from enigmalang.chain.digests import kind_text
from enigmalang.chain.hub import Hub
from enigmalang.chain.logbook import key_id
from enigmalang.ethereum.keys import SigningKey
from enigmalang.types.types import BytesNT

LABEL = "enigma receiving key"
_TYPE = BytesNT(32)


def receiving_key(chain: Chain, hub: str, address: str, tag: Tag = "latest") -> bytes | None:
    """The X25519 public key that `address` published last, None if it never did.

    One call for each value written there after it, by others.
    """
    asked, name = Hub(chain, hub), key_id((LABEL, address.lower()))
    for index in reversed(range(asked.count(name, tag))):
        entry = asked.entry(name, index, tag)
        if entry.writer.lower() == address.lower() and entry.kind == str(_TYPE) and len(entry.value) == 32:
            return entry.value
    return None


def publish_receiving_key(chain: Chain, hub: str, key: SigningKey, public: bytes) -> Receipt | None:
    """Publish `public` as what `key`'s address receives under; None when it stands there already."""
    from eth_abi.abi import encode

    if receiving_key(chain, hub, key.address) == public:
        return None
    return Hub(chain, hub).write(key, key_id((LABEL, key.address)), kind_text(str(_TYPE)),
                                 encode([abi_name(_TYPE)], [public]))
