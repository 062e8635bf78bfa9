"""The hub (`contracts/Hub.vy`) from Python: deployed, asked, and sent to, on any chain.

What each call does, who may make it and what it costs is said in the contracts. Methods that take a `SigningKey` first
are transactions, which raise `Reverted` with the hub's text when it refuses; the others only read, at `tag`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from enigmalang.chain.client import Chain, Log, Receipt, Tag
from enigmalang.chain.compiling import own_contract
from enigmalang.chain.digests import Domain, Signature, Work
from enigmalang.chain.errors import ChainError, ChainUnreachable, NoContract
from enigmalang.chain.interface import Interface
from enigmalang.ethereum.keys import SigningKey

#: The databases that pointers are of.
DHT, MPC = 1, 2
NONE, OPEN, FULFILLED, FAILED, EXPIRED = range(5)
EMPTY = bytes(32)
#: Blocks before the hub's own that are looked at all the same: a reorganisation may put its creation earlier.
MARGIN = 1_000


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is fixed when a hub is deployed: wei, seconds, and wei for a unit of work."""

    minimum_deposit: int = 10**18
    unbonding: int = 7 * 24 * 3600
    job_time: int = 600
    max_job_time: int = 24 * 3600
    round_weight: int = 10**9
    product_weight: int = 10**3
    addition_weight: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """A registered node; `leaves` is when its notice ends, 0 if it stays. All empty for a stranger."""

    key: bytes
    fingerprint: bytes
    endpoint: str
    deposit: int
    leaves: int


@dataclass(frozen=True, slots=True)
class Committee:
    """Members as they were when it was formed; `present` of them still have their seats.

    `contracts`: how many it serves. `rotation`: how many jobs of each it ends before it hands it over;
    0 for any number.
    """

    members: tuple[str, ...]
    threshold: int
    present: int
    open_jobs: int
    contracts: int
    rotation: int


@dataclass(frozen=True, slots=True)
class JobState:
    """A job; `status` is NONE, OPEN, FULFILLED, FAILED or EXPIRED. Amounts are 0 once it is closed."""

    contract: str
    requester: str
    payment: int
    fee: int
    deadline: int
    prolonged: bool
    status: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A contract's committee and plan (0 and empty if it has none), and the ends of its queue of open jobs.

    `settled` counts its results, failures and hand-overs, `since` is what it was when the committee took over; `open`
    counts its open jobs.
    """

    committee: int
    plan: bytes
    job_time: int
    oldest: int
    newest: int
    settled: int
    since: int
    open: int

    @property
    def served(self) -> int:
        """How many jobs of the contract the committee has ended."""
        return self.settled - self.since


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of `L`: `value` is its leaves, abi-encoded; `kind` the language type's text (`digests.kind_text`)."""

    block: int
    time: int
    writer: str
    kind: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Pointer:
    """Who owns a key of DHT or MPC, a commitment to its data, and the name of the rule that says who else may."""

    owner: str
    commitment: bytes
    rule: bytes


@dataclass(frozen=True, slots=True)
class HubEvent:
    """An event of the hub: its fields by name, and where it is."""

    name: str
    fields: dict[str, Any]
    log: Log


@cache
def hub_interface() -> Interface:
    return Interface(own_contract("Hub").abi)


@cache
def account_interface() -> Interface:
    """Of the account that each shared identity has."""
    return Interface(own_contract("Account").abi)


def deploy_hub(chain: Chain, key: SigningKey, parameters: Parameters | None = None) -> "Hub":
    """A new hub: two transactions, the first for the code that shared identities' accounts have."""
    from eth_abi.abi import encode

    p = parameters or Parameters()
    account = chain.deploy(key, own_contract("Account").blueprint).contract
    words = (p.minimum_deposit, p.unbonding, p.job_time, p.max_job_time, p.round_weight, p.product_weight,
             p.addition_weight, account)
    made = chain.deploy(key, own_contract("Hub").init, encode(hub_interface().constructor, words)).contract
    assert made is not None  # a creation's receipt has the address
    return Hub(chain, made)


def signature_data(signatures: Sequence[Signature]) -> list[tuple[bytes, bytes, int]]:
    """As the hub's ABI has them."""
    return [(s.r, s.s, s.v) for s in signatures]


class Hub:
    """One hub on one chain."""

    def __init__(self, chain: Chain, address: str) -> None:
        self.chain, self.address = chain, address
        self.domain = Domain(chain.id, address)
        self._first: int | None = None

    # ---- nodes and committees

    def register(self, node: SigningKey, key: bytes, fingerprint: bytes, endpoint: str, deposit: int) -> Receipt:
        return self._send(node, "register", key, fingerprint, endpoint, value=deposit)

    def update(self, node: SigningKey, key: bytes, fingerprint: bytes, endpoint: str) -> Receipt:
        return self._send(node, "update", key, fingerprint, endpoint)

    def minimum_deposit(self, tag: Tag = "latest") -> int:
        return int(self._call(tag, "MINIMUM_DEPOSIT"))

    def top_up(self, node: SigningKey, amount: int) -> Receipt:
        return self._send(node, "top_up", value=amount)

    def leave(self, node: SigningKey) -> Receipt:
        return self._send(node, "leave")

    def withdraw(self, node: SigningKey) -> Receipt:
        return self._send(node, "withdraw")

    def node(self, who: str, tag: Tag = "latest") -> Node:
        return Node(*self._call(tag, "node", who))

    def is_active(self, who: str, tag: Tag = "latest") -> bool:
        return bool(self._call(tag, "is_active", who))

    def form(self, key: SigningKey, members: Sequence[str], threshold: int, salt: bytes, until: int,
             signatures: Sequence[Signature], rotation: int = 0) -> int:
        """The new committee's number. `signatures` of `digests.consent_digest`, in the order of `members`."""
        data = signature_data(signatures)
        receipt = self._send(key, "form", list(members), threshold, salt, until, data, rotation)
        return int(self._event(receipt, "Formed")["committee"])

    def committee(self, number: int, tag: Tag = "latest") -> Committee:
        members, *numbers = self._call(tag, "committee", number)
        return Committee(tuple(members), *numbers)

    def seat(self, committee: int, who: str, tag: Tag = "latest") -> int:
        """From 1; 0 for who is no member, or no longer."""
        return int(self._call(tag, "seat", committee, who))

    def committees_of(self, who: str, tag: Tag = "latest") -> tuple[int, ...]:
        return tuple(self._call(tag, "committees_of", who))

    # ---- money

    def owed(self, who: str, tag: Tag = "latest") -> int:
        return int(self._call(tag, "owed", who))

    def claim(self, key: SigningKey, who: str | None = None) -> int:
        """What was paid to `who` (by default, to the key's address)."""
        return int(self._event(self._send(key, "claim", who or key.address), "Claimed")["amount"])

    # ---- jobs

    def job(self, number: int, tag: Tag = "latest") -> JobState:
        return JobState(*self._call(tag, "job", number))

    def attachment(self, contract: str, tag: Tag = "latest") -> Attachment:
        return Attachment(*self._call(tag, "attachment", contract))

    def reattach(self, key: SigningKey, contract: str, consent: bytes, settled: int, run: bytes,
                 signatures: Sequence[Signature], successors: Sequence[Signature]) -> Receipt:
        """Hand a contract over to the committee that came of `consent`, as of its count `settled`; `run` (32 bytes)
        names the sharing. `signatures` of `digests.handover_digest`, by t+1 of the committee that serves it,
        `successors` by t+1 of the other."""
        return self._send(key, "reattach", contract, consent, settled, run, signature_data(signatures),
                          signature_data(successors))

    def next_job(self, number: int, tag: Tag = "latest") -> int:
        return int(self._call(tag, "next_job", number))

    def price(self, work: Work, tag: Tag = "latest") -> int:
        return int(self._call(tag, "price", (work.rounds, work.products, work.additions)))

    def fail(self, key: SigningKey, job: int) -> Receipt:
        return self._send(key, "fail", job)

    def accuse(self, key: SigningKey, job: int, accused: str, reason: bytes, signatures: Sequence[Signature]
               ) -> Receipt:
        """`signatures` of `digests.accusation_digest`, by t+1 other members."""
        return self._send(key, "accuse", job, accused, reason, signature_data(signatures))

    # ---- L

    def write(self, key: SigningKey, name: bytes, kind: str, value: bytes) -> Receipt:
        """Append under `name` (`digests.log_key`)."""
        return self._send(key, "write", name, kind, value)

    def count(self, name: bytes, tag: Tag = "latest") -> int:
        return int(self._call(tag, "count", name))

    def entry(self, name: bytes, index: int, tag: Tag = "latest") -> Entry:
        return Entry(*self._call(tag, "entry", name, index))

    def latest(self, name: bytes, tag: Tag = "latest") -> Entry:
        return Entry(*self._call(tag, "latest", name))

    def entry_at(self, name: bytes, when: int, tag: Tag = "latest") -> Entry:
        """The last value not after `when`: a time from 2^30 on, else a block's number."""
        return Entry(*self._call(tag, "at", name, when))

    # ---- identities and rules

    def declare(self, key: SigningKey, words: Sequence[int]) -> Receipt:
        """Keep a rule (`rules.words_of`); it is then known by `rules.rule_name`."""
        return self._send(key, "declare", list(words))

    def rule(self, name: bytes, tag: Tag = "latest") -> tuple[int, ...]:
        """The words of a declared rule; empty for an unknown one."""
        return tuple(self._call(tag, "rule", name))

    def create_identity(self, key: SigningKey, members: Sequence[str], rules: Sequence[bytes], salt: bytes = EMPTY
                        ) -> str:
        """The new shared identity's address."""
        receipt = self._send(key, "create_identity", list(members), list(rules), salt)
        return str(self._event(receipt, "IdentityCreated")["identity"])

    def update_policy(self, key: SigningKey, identity: str, member: str, rule: bytes) -> Receipt:
        """An empty `rule` takes the member out."""
        return self._send(key, "update_policy", identity, member, rule)

    def members_of(self, identity: str, tag: Tag = "latest") -> tuple[str, ...]:
        return tuple(self._call(tag, "members_of", identity))

    def policy(self, identity: str, member: str, tag: Tag = "latest") -> bytes:
        return bytes(self._call(tag, "policy", identity, member))

    def decide(self, rule: bytes, who: str, signers: Sequence[str], owner: str, action: str, tag: Tag = "latest"
               ) -> bool:
        return bool(self._call(tag, "decide_at", rule, who, list(signers), owner, action == "compute", 0))

    def execute(self, key: SigningKey, identity: str, target: str, data: bytes, amount: int = 0) -> Receipt:
        """Call `target` as the shared identity, for a member whose policy allows "act"."""
        method = account_interface().methods["execute"]
        return self.chain.send(key, identity, method.encode((target, data, amount)))

    def execute_signed(self, key: SigningKey, identity: str, target: str, data: bytes, amount: int,
                       signatures: Sequence[Signature]) -> Receipt:
        """Likewise with several signatures of `digests.execute_digest`; the first signer is the one who acts."""
        method = account_interface().methods["execute_signed"]
        return self.chain.send(key, identity, method.encode((target, data, amount, signature_data(signatures))))

    def nonce(self, identity: str, tag: Tag = "latest") -> int:
        """Which number the next `execute_signed` of a shared identity has."""
        method = account_interface().methods["nonce"]
        return int(method.decode(self.chain.call(identity, method.encode(()), tag=tag))[0])

    # ---- pointers

    def point(self, key: SigningKey, db: int, name: bytes, commitment: bytes, rule: bytes) -> Receipt:
        return self._send(key, "point", db, name, commitment, rule)

    def pointer(self, db: int, name: bytes, tag: Tag = "latest") -> Pointer:
        return Pointer(*self._call(tag, "pointer", db, name))

    def may(self, who: str, owner: str, action: str, name: bytes = EMPTY, tag: Tag = "latest") -> bool:
        return bool(self._call(tag, "may", who, owner, action, name))

    def may_data(self, who: str, db: int, name: bytes, action: str, tag: Tag = "latest") -> bool:
        return bool(self._call(tag, "may_data", who, db, name, action))

    def may_data_signed(self, signers: Sequence[str], db: int, name: bytes, action: str, tag: Tag = "latest") -> bool:
        return bool(self._call(tag, "may_data_signed", list(signers), db, name, action))

    def record_refusal(self, node: SigningKey, db: int, name: bytes, who: str, action: str) -> Receipt:
        return self._send(node, "record_refusal", db, name, who, action)

    # ---- events

    def events(self, names: Sequence[str] = (), first: Tag = 0, last: Tag = "latest") -> tuple[HubEvent, ...]:
        """The hub's events of blocks `first` to `last`; with `names`, those alone. `first` 0: since it was made."""
        first = first or self.first_block()
        topics = [[hub_interface().event(name).topic for name in names]] if names else []
        return tuple(map(read_event, self.chain.logs(self.address, topics, first, last)))

    def first_block(self) -> int:
        """A block before which the hub said nothing; 0 where the chain's node does not know states that are so old.

        Found once, by about as many questions as the chain's height has binary digits.
        """
        if self._first is None:
            self._first = max(0, self._made() - MARGIN)
        return self._first

    def _made(self) -> int:
        low, high = 0, self.chain.block_number()  # there is no hub before `low`, and one at `high`
        if high <= MARGIN:
            return 0
        try:
            while low < high:
                middle = (low + high) // 2
                if self.chain.code(self.address, middle):
                    high = middle
                else:
                    low = middle + 1
        except ChainUnreachable:
            raise
        except ChainError:
            return 0
        return low

    # ---- calling

    def _call(self, tag: Tag, name: str, *args: Any) -> Any:
        method = hub_interface().methods[name]
        answer = self.chain.call(self.address, method.encode(args), tag=tag)
        if not answer:
            raise NoContract(f"there is no hub at {self.address} (chain {self.chain.id}, block {tag})")
        (found,) = method.decode(answer)
        return found

    def _send(self, key: SigningKey, name: str, *args: Any, value: int = 0) -> Receipt:
        return self.chain.send(key, self.address, hub_interface().methods[name].encode(args), value)

    def _event(self, receipt: Receipt, name: str) -> dict[str, Any]:
        event = hub_interface().event(name)
        return next(event.decode(log.topics, log.data) for log in receipt.logs
                    if log.address == self.address and log.topics[0] == event.topic)


def read_event(log: Log) -> HubEvent:
    """An event of the hub; KeyError for a log that is none of its."""
    event = hub_interface().events[log.topics[0]]
    return HubEvent(event.name, event.decode(log.topics, log.data), log)
