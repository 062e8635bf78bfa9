# pragma version 0.4.3
"""
@title Registry of nodes, and what everybody is owed
@notice A node puts down a deposit, which t+1 accusers of a committee can take (jobs.vy), and leaves with notice.
        Nobody is ever sent money unasked: what is owed waits until it is claimed.
"""

import checks

struct Node:
    key: bytes32
    fingerprint: bytes32
    endpoint: String[128]
    deposit: uint256
    leaves: uint256


event Registered:
    node: indexed(address)
    key: bytes32
    fingerprint: bytes32
    endpoint: String[128]
    deposit: uint256

event Updated:
    node: indexed(address)
    key: bytes32
    fingerprint: bytes32
    endpoint: String[128]

event ToppedUp:
    node: indexed(address)
    amount: uint256

event Leaving:
    node: indexed(address)
    until: uint256

event Owed:
    who: indexed(address)
    amount: uint256


MINIMUM_DEPOSIT: public(immutable(uint256))
UNBONDING: public(immutable(uint256))

nodes: HashMap[address, Node]
# What was credited and not claimed. Nodes also have earnings in their committees (committees.vy).
credit: HashMap[address, uint256]


@deploy
def __init__(minimum_deposit: uint256, unbonding: uint256):
    MINIMUM_DEPOSIT = minimum_deposit
    UNBONDING = unbonding


@external
@payable
@nonreentrant
def register(key: bytes32, fingerprint: bytes32, endpoint: String[128]):
    """
    @notice Become a node, with a deposit. Anyone who is none may call it; about 140,000 gas.
    @param key X25519 public key under which the node receives
    @param fingerprint SHA-256 of its TLS certificate (DER)
    @param endpoint host:port
    """
    if self.nodes[msg.sender].deposit != 0:
        checks.refuse("registered already")
    if msg.value < MINIMUM_DEPOSIT or msg.value == 0:
        checks.refuse("the deposit is below the minimum")
    self.nodes[msg.sender].deposit = msg.value
    self._set(key, fingerprint, endpoint)
    log Registered(node=msg.sender, key=key, fingerprint=fingerprint, endpoint=endpoint, deposit=msg.value)


@external
@nonreentrant
def update(key: bytes32, fingerprint: bytes32, endpoint: String[128]):
    """
    @notice New keys, or a new endpoint, of the calling node.
    """
    self._assert_registered(msg.sender)
    self._set(key, fingerprint, endpoint)
    log Updated(node=msg.sender, key=key, fingerprint=fingerprint, endpoint=endpoint)


@external
@payable
@nonreentrant
def top_up():
    """
    @notice Add to the calling node's deposit.
    """
    self._assert_registered(msg.sender)
    self.nodes[msg.sender].deposit += msg.value
    log ToppedUp(node=msg.sender, amount=msg.value)


@external
@nonreentrant
def leave():
    """
    @notice The calling node gives notice: it joins no new committee, serves its old ones, and may withdraw later.
    """
    self._assert_registered(msg.sender)
    if self.nodes[msg.sender].leaves != 0:
        checks.refuse("leaving already")
    until: uint256 = block.timestamp + UNBONDING
    self.nodes[msg.sender].leaves = until
    log Leaving(node=msg.sender, until=until)


@external
@view
def node(who: address) -> Node:
    """
    @notice What is known of a node; all empty for a stranger. `leaves` is when its notice ends, 0 if it stays.
    """
    return self.nodes[who]


@external
@view
def is_active(who: address) -> bool:
    """
    @notice Whether `who` is a node that has not given notice.
    """
    return self._is_active(who)


@internal
@view
def _is_active(who: address) -> bool:
    return self.nodes[who].deposit > 0 and self.nodes[who].leaves == 0


@internal
@view
def _assert_registered(who: address):
    if self.nodes[who].deposit == 0:
        checks.refuse("not registered")


@internal
def _set(key: bytes32, fingerprint: bytes32, endpoint: String[128]):
    self.nodes[msg.sender].key = key
    self.nodes[msg.sender].fingerprint = fingerprint
    self.nodes[msg.sender].endpoint = endpoint


@internal
def _remove(who: address) -> uint256:
    """
    @dev The node is none any more; the caller has to account for its deposit, which is returned.
    """
    deposit: uint256 = self.nodes[who].deposit
    self.nodes[who] = empty(Node)
    return deposit


@internal
def _credit(who: address, amount: uint256):
    if amount > 0:
        self.credit[who] += amount
        log Owed(who=who, amount=amount)
