"""One line about each word of the language, for hover and completion."""

from enigmalang.semantics.builtins import TABLE
from enigmalang.syntax.words import RESERVED, SIZED_TYPES, TYPES

#: Words that begin statements or declarations only where a name follows.
SOFT = (
    "contract", "struct", "enum", "interface", "predicate", "event", "error", "identity", "deploy", "submit", "advance",
    "test", "expect", "internal", "view", "payable", "max",
)

_ABOUT = {
    "len": "How many elements there are; always public.",
    "sum": "The sum of a list of numbers; of truths, how many hold.",
    "min": "The smallest of a list, or of the arguments.",
    "max": "The greatest of a list, or of the arguments.",
    "abs": "The number without its sign.",
    "any": "Whether one of the truths holds.",
    "all": "Whether all of the truths hold.",
    "sorted": "The elements in order, smallest first.",
    "reversed": "The elements, last first.",
    "range": "The integers from 0 (or `a`) up to and without the bound; the bounds are public.",
    "zip": "Lists side by side: a list of tuples.",
    "enumerate": "Each element with its number.",
    "filter": "The elements for which `f` holds; its answers are public.",
    "reveal": "Everyone learns the value; with `to=who`, only that identity.",
    "wrap": "The number modulo 2^k, so that it fits a narrower type.",
    "clamp": "The nearest number that fits a narrower type, or lies between two bounds.",
    "print": "Writes public values to the output of a script or test.",
    "input": "A value that whoever runs the program gives with `--input name=…`.",
    "array": "An array of zeros.",
    "send": "Pays from the contract's money.",
    "only": "A predicate: these identities.",
    "members": "A predicate: who belongs to a shared identity.",
    "after": "A predicate: from that time on.",
    "before": "A predicate: up to that time.",
    "at_least": "A predicate: that many of them together.",
    "shared_identity": "Joins several keys, each with its policy.",
    "sender": "Who called this function: an address.",
    "self": "The contract itself; `self.x` is its state.",
    "value": "The money sent along with the call, in wei (payable functions).",
    "now": "The time of the block, in seconds.",
    "block": "`block.number` and `block.timestamp`.",
    "owner": "A predicate: the identity that signed the write.",
    "anyone": "A predicate: everyone.",
    "only_compute": "A policy: may compute with the value, never read it.",
    "L": "The ledger: public, append-only. `L[k] = v`, `L[k]`, `L.get(k, t)`, `L.history(k)`.",
    "DHT": "Off-chain storage, encrypted before it leaves. `DHT[k] = v`, `DHT.set(k, v, p)`.",
    "MPC": "Secret shares between the nodes. `MPC[k]` can be computed with, not read.",
    "private": "Secret: shared between the nodes, never shown except through `reveal`.",
    "require": "Reverts the call when the public condition does not hold.",
    "emit": "Writes an event to the ledger, where everyone can read it.",
    "contract": "State and functions that live on a ledger and its nodes.",
    "event": "What a contract can write to the ledger for others to see.",
    "predicate": "Public code that decides who may.",
    "identity": "A name for a key of the keystore.",
    "deploy": "Puts a contract on the ledger.",
    "submit": "Starts a call and gives a job to `await` later.",
    "await": "Waits for a job and gives its result.",
    "as": "`as who:` acts under that identity.",
    "advance": "Lets blocks or time pass in a test: `advance 2 days`.",
    "expect": '`expect revert "…":` and `expect leak:` in tests.',
    "internal": "A function that only the contract itself calls.",
    "view": "A function that changes nothing.",
    "payable": "A function that takes money.",
    "bool": "`True` or `False`.",
    "fixed": "A number with a fraction: `fixed` is `fixed[16, 16]`.",
    "address": "An account on the ledger: 20 bytes.",
    "string": "Text of at most so many bytes: `string[32]`.",
    "bytes": "Bytes, at most so many: `bytes[32]`.",
    "list": "Elements and their greatest number: `list[uint32, 100]`. The length is public.",
    "map": "Entries by key (`map[address, uint32]`), or what a function gives for each element (`map(f, xs)`).",
    "while": "With a private condition: `while c max N:` always runs N steps.",
}

_TYPE_NAMES = TYPES | SIZED_TYPES


def is_type(word: str) -> bool:
    return word in _TYPE_NAMES


def is_keyword(word: str) -> bool:
    return word in RESERVED or word in SOFT


def about(word: str) -> str | None:
    """What `word` of the language means; None when it is none, or needs no words."""
    if word in _ABOUT:
        return _ABOUT[word]
    for prefix, text in (("uint", "An integer of {} bits, from 0."), ("int", "An integer of {} bits with a sign."),
                         ("bytes", "Exactly {} bytes.")):
        if word in SIZED_TYPES and word.startswith(prefix):
            return text.format(word.removeprefix(prefix))
    return None


def usage(word: str) -> str | None:
    """How a function of the language is called."""
    if word == "reveal":
        return "reveal(x), or reveal(x, to=who)"
    row = TABLE.get(word)
    return row.usage if row is not None else None
