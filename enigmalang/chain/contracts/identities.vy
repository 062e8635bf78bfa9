# pragma version 0.4.3
"""
@title Shared identities, and the rules that say who may
@notice A rule is a predicate (language.md section 6) as a postfix program of words, operation << 248 | operand; each
        is kept once and named by its hash. A shared identity is an account with members, each under a rule.
        enigmalang/chain/rules.py writes rules, enigmalang/identity/predicates.py says what they mean.
"""

import checks

event Declared:
    rule: indexed(bytes32)
    words: DynArray[uint256, 64]

event IdentityCreated:
    identity: indexed(address)
    creator: indexed(address)
    members: DynArray[address, 31]
    rules: DynArray[bytes32, 31]

event PolicyChanged:
    identity: indexed(address)
    member: indexed(address)
    rule: bytes32
    changer: address


interface Deciding:
    def decide_at(rule: bytes32, who: address, signers: DynArray[address, 31], owner: address, compute: bool,
                  depth: uint256) -> bool: view


# operand: nothing
OP_ANYONE: constant(uint256) = 1
OP_OWNER: constant(uint256) = 2
OP_ONLY_COMPUTE: constant(uint256) = 3
OP_AND: constant(uint256) = 4
OP_OR: constant(uint256) = 5
OP_NOT: constant(uint256) = 6
# operand: an address
OP_ONLY: constant(uint256) = 7
OP_MEMBER: constant(uint256) = 8
OP_COUNT: constant(uint256) = 9
# operand: a number
OP_AFTER: constant(uint256) = 10
OP_BEFORE: constant(uint256) = 11
OP_AT_LEAST: constant(uint256) = 12
# operand: address | selector << 160 | words << 192 | whether the asker comes first << 200; then so many words
OP_CALL: constant(uint256) = 13

OPERAND: constant(uint256) = 2**248 - 1
ADDRESS: constant(uint256) = 2**160 - 1
# An identity may be a member of another, to this depth.
DEPTH: constant(uint256) = 4
# A user's predicate gets all of this, or the question is not answered: with little gas, nobody turns it into a no.
OWN_GAS: constant(uint256) = 300_000

ACCOUNT: public(immutable(address))

programs: HashMap[bytes32, DynArray[uint256, 64]]
policies: HashMap[address, HashMap[address, bytes32]]
groups: HashMap[address, DynArray[address, 31]]


@deploy
def __init__(account: address):
    """
    @param account blueprint of Account.vy
    """
    ACCOUNT = create_from_blueprint(account, self)
    for op: uint256 in [OP_ANYONE, OP_OWNER, OP_ONLY_COMPUTE]:
        self._declare([op << 248])


@external
@nonreentrant
def declare(words: DynArray[uint256, 64]) -> bytes32:
    """
    @notice Keep a rule, so that policies and pointers can name it. Anyone may call it; about 50,000 gas and 22,000 a
            word, little if it is known.
    @return the rule's name
    """
    return self._declare(words)


@external
@nonreentrant
def create_identity(members: DynArray[address, 31], rules: DynArray[bytes32, 31], salt: bytes32) -> address:
    """
    @notice Make a shared identity, with an account of its own. Anyone may call it; about 100,000 gas and 50,000 a
            member.
    @param rules what each member may do for all; in them, the owner is the member itself
    @param salt with the caller, members and rules it fixes the address
    """
    if len(members) == 0 or len(members) != len(rules):
        checks.refuse("a rule for each member is needed")
    identity: address = create_minimal_proxy_to(
        ACCOUNT, salt=keccak256(abi_encode(msg.sender, members, rules, salt))
    )
    for i: uint256 in range(len(members), bound=31):
        self._assert_address(members[i])
        if self.policies[identity][members[i]] != empty(bytes32):
            checks.refuse("a member twice")
        self._assert_declared(rules[i])
        self.policies[identity][members[i]] = rules[i]
    self.groups[identity] = members
    log IdentityCreated(identity=identity, creator=msg.sender, members=members, rules=rules)
    return identity


@external
@nonreentrant
def update_policy(identity: address, member: address, rule: bytes32):
    """
    @notice Change what a member may do, take a member in, or (with an empty rule) out. For those whose policy
            allows "update"; the identity's own account may, too.
    """
    if not self._acts_for(identity, msg.sender, [msg.sender], False, 0):
        checks.refuse("not permitted")
    self._assert_address(member)
    if rule == empty(bytes32):
        self._take_out(identity, member)
    else:
        self._assert_declared(rule)
        if len(self.groups[identity]) == 0:
            checks.refuse("no shared identity")
        if self.policies[identity][member] == empty(bytes32):
            if len(self.groups[identity]) >= 31:
                checks.refuse("too many members")
            self.groups[identity].append(member)
    self.policies[identity][member] = rule
    log PolicyChanged(identity=identity, member=member, rule=rule, changer=msg.sender)


@external
@view
def members_of(identity: address) -> DynArray[address, 31]:
    """
    @notice The members of a shared identity; empty for any other address.
    """
    return self.groups[identity]


@external
@view
def policy(identity: address, member: address) -> bytes32:
    """
    @notice The rule of a member; empty for strangers.
    """
    return self.policies[identity][member]


@external
@view
def rule(name: bytes32) -> DynArray[uint256, 64]:
    """
    @notice The words of a declared rule.
    """
    return self.programs[name]


@external
@view
def decide_at(rule: bytes32, who: address, signers: DynArray[address, 31], owner: address, compute: bool,
              depth: uint256) -> bool:
    """
    @notice Whether `rule` lets `who` compute (or else, do anything) with what belongs to `owner`, `signers` having
            signed for it. At a depth of 0; the hub asks itself at others, of a policy inside a rule.
    """
    return self._decide(rule, who, signers, owner, compute, depth)


@internal
@pure
def _assert_address(member: address):
    if member == empty(address):
        checks.refuse("a member without an address")


@internal
@view
def _assert_declared(rule: bytes32):
    if len(self.programs[rule]) == 0:
        checks.refuse("no such rule")


@internal
@view
def _acts_for(owner: address, who: address, signers: DynArray[address, 31], compute: bool, depth: uint256) -> bool:
    """
    @dev As itself, or as a member whose policy lets it. In a policy, the owner is the member.
    """
    if who == owner:
        return True
    rule: bytes32 = self.policies[owner][who]
    if rule == empty(bytes32) or depth >= DEPTH:
        return False
    return staticcall Deciding(self).decide_at(rule, who, signers, who, compute, depth + 1)


@internal
@view
def _decide(rule: bytes32, who: address, signers: DynArray[address, 31], owner: address, compute: bool,
            depth: uint256) -> bool:
    """
    @dev The stack of answers is the bits of a number. That it never runs out was checked by _declare.
    """
    words: DynArray[uint256, 64] = self.programs[rule]
    stack: uint256 = 0
    counted: uint256 = 0
    skip: uint256 = 0
    for i: uint256 in range(len(words), bound=64):
        if skip > 0:
            skip -= 1
            continue
        op: uint256 = words[i] >> 248
        operand: uint256 = words[i] & OPERAND
        if op == OP_AND or op == OP_OR:
            a: uint256 = stack & 1
            b: uint256 = (stack >> 1) & 1
            stack = (stack >> 2 << 1) | (a & b if op == OP_AND else a | b)
            continue
        if op == OP_NOT:
            stack ^= 1
            continue
        if op == OP_COUNT:
            counted |= self._counted(convert(operand & ADDRESS, address), signers)
            continue
        answer: bool = op == OP_ANYONE
        if op == OP_OWNER:
            answer = self._acts_for(owner, who, signers, compute, depth)
        elif op == OP_ONLY_COMPUTE:
            answer = compute
        elif op == OP_ONLY:
            answer = self._acts_for(convert(operand & ADDRESS, address), who, signers, compute, depth)
        elif op == OP_MEMBER:
            answer = self.policies[convert(operand & ADDRESS, address)][who] != empty(bytes32)
        elif op == OP_AFTER:
            answer = block.timestamp >= operand
        elif op == OP_BEFORE:
            answer = block.timestamp < operand
        elif op == OP_AT_LEAST:
            some: uint256 = 0
            for _: uint256 in range(31):
                some += counted & 1
                counted >>= 1
            answer = some >= operand
        elif op == OP_CALL:
            skip = (operand >> 192) & 255
            answer = self._own(operand, slice(abi_encode(words), 64 + 32 * (i + 1), 32 * skip), who)
        stack = (stack << 1) | convert(answer, uint256)
    return stack == 1


@internal
@view
def _own(operand: uint256, arguments: Bytes[2112], who: address) -> bool:
    """
    @dev A user's predicate; one that reverts, or is no contract, says no.
    """
    if msg.gas <= OWN_GAS + OWN_GAS // 32:
        checks.refuse("too little gas for a predicate")
    selector: bytes4 = convert(convert((operand >> 160) & (2**32 - 1), uint32), bytes4)
    data: Bytes[2148] = concat(selector, arguments)
    if operand >> 200 == 1:
        data = concat(selector, convert(who, bytes32), arguments)
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        convert(operand & ADDRESS, address), data, max_outsize=32, gas=OWN_GAS, is_static_call=True,
        revert_on_failure=False
    )
    return success and len(answer) == 32 and convert(answer, uint256) == 1


@internal
@view
def _counted(address_: address, signers: DynArray[address, 31]) -> uint256:
    """
    @dev Which of the signers count: the members of an identity, or the address itself. A repeated one, once.
    """
    shared: bool = len(self.groups[address_]) > 0
    found: uint256 = 0
    for i: uint256 in range(len(signers), bound=31):
        counts: bool = signers[i] == address_
        if shared:
            counts = self.policies[address_][signers[i]] != empty(bytes32)
        for j: uint256 in range(i, bound=31):
            if signers[j] == signers[i]:
                counts = False
        if counts:
            found |= 1 << i
    return found


@internal
def _declare(words: DynArray[uint256, 64]) -> bytes32:
    """
    @dev Asserts that the program leaves one answer, and never asks for one that is not there.
    """
    rule: bytes32 = keccak256(abi_encode(words))
    if len(self.programs[rule]) > 0:
        return rule
    height: uint256 = 0
    skip: uint256 = 0
    for word: uint256 in words:
        if skip > 0:
            skip -= 1
            continue
        op: uint256 = word >> 248
        if op < OP_ANYONE or op > OP_CALL:
            checks.refuse("no such operation")
        needed: uint256 = 0
        if op == OP_AND or op == OP_OR:
            needed = 2
        elif op == OP_NOT:
            needed = 1
        if height < needed:
            checks.refuse("the rule lacks an answer")
        if needed == 2:
            height -= 1
        elif needed == 0 and op != OP_COUNT:
            height += 1
            if op == OP_CALL:
                skip = (word >> 192) & 255
    if height != 1 or skip != 0:
        checks.refuse("a rule gives one answer")
    self.programs[rule] = words
    log Declared(rule=rule, words=words)
    return rule


@internal
def _take_out(identity: address, member: address):
    if self.policies[identity][member] == empty(bytes32):
        checks.refuse("no member")
    count: uint256 = len(self.groups[identity])
    if count <= 1:
        checks.refuse("the last member stays")
    last: address = self.groups[identity].pop()
    for i: uint256 in range(count - 1, bound=31):
        if self.groups[identity][i] == member:
            self.groups[identity][i] = last
