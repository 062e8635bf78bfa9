# pragma version 0.4.3
"""
@title Rent for off-chain storage
@notice Owners keep a balance here, out of which they lease room for the value under a key of a database on as many
        nodes as they name. A lease is paid ahead; each of its holders earns `rate` wei a second, and collects it
        itself. Anyone may renew a lease that renews itself, out of its owner's balance.

        Who is paid: whom the owner named, and nobody else. So a liar gets no money but that of owners who chose it,
        and of those only until they choose another: the rest of the paid time is returned to them. A pool shared by
        all active nodes would pay everyone who puts down a deposit, storing or not. To collect is to attest that the
        value was kept; a time longer ago than WINDOW is not paid for, so that the rent of a dead node goes back.

        A node that took a copy because a holder was gone is not paid until the owner names it (`store` again: what is
        left of the lease before is returned). The chain cannot see who keeps a value, and whoever else said so could
        name itself. It keeps the copy all the same, as others do with what it was named for.

        Nobody has power over it: its parameters are fixed at deployment, and nobody is sent money unasked.
"""

import checks

interface Hub:
    def is_active(who: address) -> bool: view


event Deposited:
    who: indexed(address)
    amount: uint256

event Withdrawn:
    who: indexed(address)
    amount: uint256

event Leased:
    lease: indexed(bytes32)
    owner: indexed(address)
    db: uint8
    key: bytes32
    size: uint256
    rate: uint256
    until: uint256
    period: uint256
    holders: DynArray[address, 16]

event Renewed:
    lease: indexed(bytes32)
    until: uint256
    paid: uint256

event Earned:
    lease: indexed(bytes32)
    holder: indexed(address)
    amount: uint256
    returned: uint256

event Ended:
    lease: indexed(bytes32)
    owner: indexed(address)
    returned: uint256


struct Lease:
    owner: address
    size: uint256  # bytes
    rate: uint256  # wei a second for each holder; 0 for no lease
    until: uint256  # paid to this time
    period: uint256  # seconds of a renewal; 0 if it does not renew itself
    holders: DynArray[address, 16]

struct Standing:
    state: uint256
    until: uint256
    balance: uint256
    renewals: uint256


ACTIVE: constant(uint256) = 1
RESTRICTED: constant(uint256) = 2
GRACE: constant(uint256) = 3
DELETED: constant(uint256) = 4
MAX_HOLDERS: constant(uint256) = 16
UNIT: constant(uint256) = 2**30
# Bounds under which nothing overflows.
MAX_SIZE: constant(uint256) = 2**40
MAX_PERIOD: constant(uint256) = 2**32
MAX_PRICE: constant(uint256) = 2**96

HUB: public(immutable(address))
PRICE: public(immutable(uint256))
WINDOW: public(immutable(uint256))
RESTRICTED_TIME: public(immutable(uint256))
GRACE_TIME: public(immutable(uint256))
AHEAD: public(immutable(uint256))

# What everybody may withdraw: owners what they did not spend, holders what they collected.
balances: HashMap[address, uint256]
leases: HashMap[bytes32, Lease]
# To which time a holder of a lease has been paid; 0 for who is none.
paid: HashMap[bytes32, HashMap[address, uint256]]


@deploy
def __init__(hub: address, price: uint256, window: uint256, restricted: uint256, grace: uint256, ahead: uint256):
    """
    @param hub where the nodes are registered
    @param price wei a second for 2**30 bytes on one node
    @param window seconds that a holder is paid for at most when it collects
    @param restricted seconds after the paid time in which only the owner may read
    @param grace seconds after those until which a renewal still saves the data
    @param ahead seconds before the end of the paid time from which on a lease may be renewed
    """
    assert 0 < price and price <= MAX_PRICE, "price out of bounds"
    assert 0 < window and window <= MAX_PERIOD, "window out of bounds"
    assert restricted <= MAX_PERIOD and grace <= MAX_PERIOD and ahead <= MAX_PERIOD, "a time out of bounds"
    HUB = hub
    PRICE = price
    WINDOW = window
    RESTRICTED_TIME = restricted
    GRACE_TIME = grace
    AHEAD = ahead


@external
@payable
@nonreentrant
def deposit(who: address = msg.sender):
    """
    @notice Add to the balance of `who`. Anyone may call it.
    """
    self.balances[who] += msg.value
    log Deposited(who=who, amount=msg.value)


@external
@nonreentrant
def withdraw(amount: uint256 = max_value(uint256)) -> uint256:
    """
    @notice Pay the caller `amount` of its balance, or all of it.
    @return the amount
    """
    paid: uint256 = amount
    if amount == max_value(uint256):
        paid = self.balances[msg.sender]
    if paid > self.balances[msg.sender]:
        checks.refuse("the balance is too low")
    self.balances[msg.sender] -= paid
    log Withdrawn(who=msg.sender, amount=paid)
    raw_call(msg.sender, b"", value=paid)
    return paid


@external
@payable
@nonreentrant
def store(db: uint8, key: bytes32, size: uint256, period: uint256, renews: bool, holders: DynArray[address, 16]):
    """
    @notice Lease room for the value under the caller's key, in place of a lease that it had for it: that ends, and what
            is left of it is returned. What is sent is added to the balance. About 160,000 gas, 47,000 a holder.
    @param size bytes of the value as it is stored
    @param period seconds that are paid now, and again with each renewal
    @param renews whether it renews itself from the caller's balance
    @param holders active nodes that keep it
    """
    if size > MAX_SIZE:
        checks.refuse("the value is too large")
    if period == 0 or period > MAX_PERIOD:
        checks.refuse("period out of bounds")
    if len(holders) == 0:
        checks.refuse("a lease needs a holder")
    if msg.value > 0:
        self.balances[msg.sender] += msg.value
        log Deposited(who=msg.sender, amount=msg.value)
    lease: bytes32 = self._name(msg.sender, db, key)
    if self.leases[lease].rate != 0:
        self._end(lease)
    rate: uint256 = self._rate(size)
    cost: uint256 = rate * period * len(holders)
    if self.balances[msg.sender] < cost:
        checks.refuse("the balance is too low")
    self.balances[msg.sender] -= cost
    for holder: address in holders:
        if self.paid[lease][holder] != 0:
            checks.refuse("a holder twice")
        if not staticcall Hub(HUB).is_active(holder):
            checks.refuse("a holder is no active node")
        self.paid[lease][holder] = block.timestamp
    renewing: uint256 = 0
    if renews:
        renewing = period
    until: uint256 = block.timestamp + period
    self.leases[lease] = Lease(owner=msg.sender, size=size, rate=rate, until=until, period=renewing, holders=holders)
    log Leased(lease=lease, owner=msg.sender, db=db, key=key, size=size, rate=rate, until=until, period=renewing,
               holders=holders)


@external
@nonreentrant
def renew(lease: bytes32) -> uint256:
    """
    @notice Renew a lease whose paid time ends soon or has ended, as often as is needed and its owner's balance allows.
            It goes on where the paid time ended. Anyone may call it.
    @return how many times it was renewed
    """
    if self.leases[lease].rate == 0:
        checks.refuse("no such lease")
    now: Standing = self._standing(lease)
    if now.renewals == 0:
        checks.refuse("nothing to renew")
    owner: address = self.leases[lease].owner
    paid: uint256 = self.balances[owner] - now.balance
    self.balances[owner] = now.balance
    self.leases[lease].until = now.until
    log Renewed(lease=lease, until=now.until, paid=paid)
    return now.renewals


@external
@nonreentrant
def collect(leases: DynArray[bytes32, 32]) -> uint256:
    """
    @notice The calling node attests that it has kept the values of these leases since it last said so, and has the
            rent added to its balance. Leases that it does not hold are passed over. About 27,000 gas for one.
    @return what was added
    """
    earned: uint256 = 0
    for lease: bytes32 in leases:
        if self.paid[lease][msg.sender] != 0:
            earned += self._pay(lease, msg.sender)
    return earned


@external
@nonreentrant
def stop(db: uint8, key: bytes32):
    """
    @notice End the caller's lease now. What its holders have earned is theirs, the rest is returned.
    """
    lease: bytes32 = self._name(msg.sender, db, key)
    if self.leases[lease].rate == 0:
        checks.refuse("no such lease")
    self._end(lease)


@external
@nonreentrant
def close(lease: bytes32):
    """
    @notice Clear away a lease whose data is deleted. Anyone may call it; its holders are paid as by `stop`.
    """
    if self.leases[lease].rate == 0:
        checks.refuse("no such lease")
    if self._standing(lease).state != DELETED:
        checks.refuse("the data is not deleted yet")
    self._end(lease)


@external
@view
def name(owner: address, db: uint8, key: bytes32) -> bytes32:
    """
    @notice What the lease of an owner for a key is called.
    """
    return self._name(owner, db, key)


@external
@view
def lease(name: bytes32) -> Lease:
    """
    @notice A lease; its rate is 0 if there is none.
    """
    return self.leases[name]


@external
@view
def balance_of(who: address) -> uint256:
    """
    @notice What `who` may withdraw.
    """
    return self.balances[who]


@external
@view
def paid_to(lease: bytes32, holder: address) -> uint256:
    """
    @notice The time to which a holder has been paid; 0 for who is none.
    """
    return self.paid[lease][holder]


@external
@view
def rate(size: uint256) -> uint256:
    """
    @notice Wei a second for so many bytes on one node: at least 1, rounded up.
    """
    return self._rate(size)


@external
@view
def standing(lease: bytes32) -> Standing:
    """
    @notice How a lease stands as if it had been renewed now: state (0 no lease, 1 active, 2 only its owner may read,
            3 kept but not read, 4 deleted), end of the paid time, balance of its owner, renewals.
    """
    if self.leases[lease].rate == 0:
        return empty(Standing)
    return self._standing(lease)


@internal
@pure
def _name(owner: address, db: uint8, key: bytes32) -> bytes32:
    return keccak256(abi_encode(owner, db, key))


@internal
@view
def _rate(size: uint256) -> uint256:
    return max(1, (size * PRICE + UNIT - 1) // UNIT)


@internal
@view
def _standing(lease: bytes32) -> Standing:
    """
    @dev enigmalang/dht/rent.py has the same. What would be deleted all the same is not charged for.
    """
    until: uint256 = self.leases[lease].until
    period: uint256 = self.leases[lease].period
    balance: uint256 = self.balances[self.leases[lease].owner]
    renewals: uint256 = 0
    cost: uint256 = self.leases[lease].rate * period * len(self.leases[lease].holders)
    if period > 0 and block.timestamp + AHEAD >= until:
        renewals = min((block.timestamp + AHEAD - until) // period + 1, balance // cost)
    renewed: uint256 = until + renewals * period
    if block.timestamp >= renewed + RESTRICTED_TIME + GRACE_TIME:
        return Standing(state=DELETED, until=until, balance=balance, renewals=0)
    state: uint256 = GRACE
    if block.timestamp < renewed:
        state = ACTIVE
    elif block.timestamp < renewed + RESTRICTED_TIME:
        state = RESTRICTED
    return Standing(state=state, until=renewed, balance=balance - renewals * cost, renewals=renewals)


@internal
def _pay(lease: bytes32, holder: address) -> uint256:
    """
    @dev What a holder earned goes to its balance, and what was before the window to the owner's.
    """
    since: uint256 = self.paid[lease][holder]
    to: uint256 = min(block.timestamp, self.leases[lease].until)
    if to <= since:
        return 0
    rate: uint256 = self.leases[lease].rate
    first: uint256 = since
    if to - since > WINDOW:
        first = to - WINDOW
    amount: uint256 = (to - first) * rate
    returned: uint256 = (first - since) * rate
    self.paid[lease][holder] = to
    self.balances[holder] += amount
    if returned > 0:
        self.balances[self.leases[lease].owner] += returned
    log Earned(lease=lease, holder=holder, amount=amount, returned=returned)
    return amount


@internal
def _end(lease: bytes32):
    owner: address = self.leases[lease].owner
    until: uint256 = self.leases[lease].until
    rate: uint256 = self.leases[lease].rate
    returned: uint256 = 0
    for holder: address in self.leases[lease].holders:
        self._pay(lease, holder)
        returned += (until - self.paid[lease][holder]) * rate
        self.paid[lease][holder] = 0
    self.leases[lease] = empty(Lease)
    self.balances[owner] += returned
    log Ended(lease=lease, owner=owner, returned=returned)
