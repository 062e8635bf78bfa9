"""Shared identities, predicates and pointers of the language on the hub (language.md §6): the chain says who may.

Only owners, rules and commitments go on the ledger. Of DHT, the commitment is to the encrypted content. Of MPC it says
which write the shares are from (shares differ from node to node, and a hash of what they hide would hide it only as
well as a hash does): a chain of hashes over the key's writes and their public descriptions.
"""

from collections.abc import Callable, Sequence
from typing import Any

from enigmalang.chain.acting import Senders
from enigmalang.chain.client import Chain, Receipt, Tag
from enigmalang.chain.digests import keccak
from enigmalang.chain.hub import DHT, EMPTY, MPC, Hub, hub_interface
from enigmalang.chain.interface import Interface
from enigmalang.chain.logbook import key_id
from enigmalang.chain.rules import Own, RuleError, rule_name, words_of
from enigmalang.chain.vyper.predicates import compile_predicate
from enigmalang.ethereum.keys import SigningKey
from enigmalang.plan.calls import Key, LedgerError
from enigmalang.plan.plan import Plan

_NUMBERS = {"DHT": DHT, "MPC": MPC}
#: EIP-1167 around an account's address, as Vyper writes it.
_PROXY = bytes.fromhex("602d3d8160093d39f3363d3d373d3d3d363d73"), bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
Sent = Callable[[Callable[[], Receipt]], Receipt]


class Permissions:
    """One client's or node's view of them.

    `sent` runs a transaction, and makes LedgerErrors of refusals; `at` says as of which block; `node` is a registered
    node's key, which records refusals (None: nobody does here).
    """

    def __init__(self, chain: Chain, hub: str, plan: Plan, senders: Senders, sent: Sent,
                 at: Callable[[], Tag], node: SigningKey | None = None) -> None:
        self._chain, self._plan, self._senders, self._sent, self._at, self._node = (
            chain, plan, senders, sent, at, node)
        self._hub = Hub(chain, hub)
        self._predicates: dict[str, tuple[str, tuple[str, ...]]] = {}  # name -> address, ABI types of the parameters

    # ---- shared identities

    def share(self, creator: Any, members: Sequence[tuple[Any, Any]]) -> str:
        """The address of the shared identity of `members`, each with its policy: the same from the same creator."""
        addresses = [member.address for member, _ in members]
        rules = [self.declare(creator, policy) for _, policy in members]
        address = self._address(creator.address, addresses, rules)
        if not self._chain.code(address):
            self._transact(creator, "create_identity", addresses, rules, EMPTY)
        self._senders.share(address, [member for member, _ in members])
        return address

    def _address(self, creator: str, members: Sequence[str], rules: Sequence[bytes]) -> str:
        """Where the hub makes an identity's account (EIP-1014)."""
        from eth_abi.abi import encode

        method = hub_interface().methods["ACCOUNT"]
        (account,) = method.decode(self._chain.call(self._hub.address, method.encode(())))
        types = ["address", "address[]", "bytes32[]", "bytes32"]
        salt = keccak(encode(types, [creator, list(members), list(rules), EMPTY]))
        code = keccak(_PROXY[0] + bytes.fromhex(account[2:]) + _PROXY[1])
        return "0x" + keccak(b"\xff" + bytes.fromhex(self._hub.address[2:]) + salt + code)[-20:].hex()

    # ---- rules

    def declare(self, writer: Any, predicate: Any) -> bytes:
        """The name of the rule that `predicate` is; what the hub does not know yet is sent there.

        Raises LedgerError, and EnigmaError for a predicate of the program that cannot be on the chain.
        """
        try:
            words = words_of(predicate, lambda found: self._own(writer, found))
        except RuleError as error:
            raise LedgerError(str(error)) from None
        name = rule_name(words)
        if not self._hub.rule(name):
            self._sent(lambda: self._hub.declare(self._senders.any_key(writer), words))
        return name

    def _own(self, writer: Any, predicate: Any) -> Own:
        """A predicate of the program: the view of a contract, deployed when it is first needed."""
        from eth_abi.abi import encode

        if predicate.name not in self._plan.functions:
            raise RuleError(f"the program has no predicate {predicate.name}")
        address, types = self._deployed(writer, predicate.name)
        args, asker = list(predicate.args), len(predicate.args) + 1 == len(types)
        if asker:
            args.insert(0, "0x" + "0" * 40)
        if len(args) != len(types):
            raise RuleError(f"the arguments of {predicate.name} cannot be kept on the ledger")
        data = encode(types, args)
        words = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
        return Own(address, f"{predicate.name}({','.join(types)})", tuple(words[asker:]), asker)

    def _deployed(self, writer: Any, name: str) -> tuple[str, tuple[str, ...]]:
        if name not in self._predicates:
            from eth_abi.abi import encode

            compiled = compile_predicate(self._plan, name).compiled
            interface = Interface(compiled.abi)
            code = compiled.init + encode(interface.constructor, (self._hub.address, 0))
            receipt = self._sent(lambda: self._chain.deploy(self._senders.any_key(writer), code))
            assert receipt.contract is not None
            self._predicates[name] = receipt.contract, interface.methods[name].inputs
        return self._predicates[name]

    # ---- pointers

    def point(self, writer: Any, db: str, key: Key, content: bytes, rule: bytes) -> None:
        """`writer` owns `key` of `db` from now on, with `content` under it: a DHT's hash, an MPC's description."""
        number, name = _NUMBERS[db], key_id(key)
        if number == MPC:
            content = keccak(self._hub.pointer(number, name).commitment + keccak(content))
        self._transact(writer, "point", number, name, content, rule)

    def permits(self, askers: Sequence[str], db: str, key: Key, action: str) -> bool:
        """Whether the first of `askers` may do `action`, all of them having signed."""
        return self._hub.may_data_signed(list(askers), _NUMBERS[db], key_id(key), action, self._at())

    def refuse(self, who: str, db: str, key: Key, action: str) -> None:
        """A node records that it refused `who`."""
        node = self._node
        if node is not None:
            self._sent(lambda: self._hub.record_refusal(node, _NUMBERS[db], key_id(key), who, action))

    def _transact(self, sender: Any, name: str, *args: Any) -> None:
        data = hub_interface().methods[name].encode(args)
        self._sent(lambda: self._senders.send(sender, self._hub.address, data))
