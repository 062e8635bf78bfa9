"""The way to the chain: waited for when it is not there, checked when it is, and let go of when the node stops."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from enigmalang.chain.client import Chain
from enigmalang.chain.errors import ChainError, ChainUnreachable, NoContract, Reverted, RpcError, shown
from enigmalang.chain.evm import Call, Evm, Json
from enigmalang.chain.hub import Hub
from enigmalang.chain.lean import import_eth_utils
from enigmalang.chain.rpc import RpcEvm
from enigmalang.node.daemon.config import ChainOptions
from enigmalang.node.daemon.log import Log

#: Seconds between two tries: the first, and the most.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
#: Numbers of development chains beside those that say what they are: of ganache and geth's --dev, of hardhat and anvil.
DEVELOPMENT_IDS = frozenset({1337, 31337})
#: Confirmations of a node that is told nothing else, and the seconds that a chain has to say which it is.
SAFE_DEPTH, ASK_SECONDS = 12, 5.0


class Misconfigured(Exception):
    """A node that cannot run as it is told to; the text says what to change."""


class Stopping(ChainUnreachable):
    """The node is about to stop, and asks the chain nothing more."""

    def __init__(self, where: str) -> None:
        super().__init__(where, "the node is stopping", "")


class GatedEvm:
    """An `Evm` that answers nothing any more once `closed` is set: so who waits for a block stops waiting."""

    def __init__(self, evm: Evm, where: str, closed: threading.Event) -> None:
        self._evm, self._where, self._closed = evm, where, closed

    def request(self, method: str, params: Sequence[Json] = ()) -> Json:
        """See `Evm.request`; raises Stopping too."""
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[Call]) -> list[Json]:
        """See `Evm.batch`; raises Stopping too."""
        if self._closed.is_set():
            raise Stopping(self._where)
        return self._evm.batch(calls)

    def close(self) -> None:
        self._evm.close()

    def __enter__(self) -> "GatedEvm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def reach(options: ChainOptions, log: Log, closed: threading.Event, sending: "threading.Lock") -> tuple[Chain, Hub]:
    """The chain and its hub, waited for until they are there: said once, in the log. `closed`: see `GatedEvm`;
    `sending`: see `Chain`.

    Raises Stopping when `closed` is set meanwhile, and Misconfigured for another chain, or one that has no such hub.
    """
    pause, said = FIRST_PAUSE, ""
    while not closed.is_set():
        try:
            found = open_chain(options, closed, sending)
        except ChainError as error:
            if not said:
                log.warning("waiting for the chain", reason=str(error))
            said = str(error)
        else:
            if said:
                log.info("the chain is there")
            return found
        closed.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
    raise Stopping(options.url)


def open_chain(options: ChainOptions, closed: threading.Event | None = None, sending: "threading.Lock | None" = None
               ) -> tuple[Chain, Hub]:
    """The chain and its hub, now. Raises ChainError and Misconfigured."""
    import_eth_utils()
    evm = GatedEvm(RpcEvm(options.url, options.timeout_seconds), options.url, closed or threading.Event())
    try:
        chain = Chain(evm, confirmations=options.confirmations, patience=options.patience_seconds,
                      sending=sending)
        if options.id and chain.id != options.id:
            raise Misconfigured(f"the chain at {shown(options.url)} has the number {chain.id}, and node.toml says "
                                f"chain.id = {options.id}: change one of chain.url and chain.id")
        _check_depth(chain, options)
        hub = Hub(chain, options.hub.lower())
        _check(hub, options)
    except BaseException:
        evm.close()
        raise
    return chain, hub


def default_confirmations(url: str) -> int:
    """How deep a new node should look: 0 on a development chain, `SAFE_DEPTH` elsewhere, or where no chain answers."""
    import_eth_utils()
    try:
        with RpcEvm(url, ASK_SECONDS) as evm:
            return 0 if _develops(Chain(evm)) else SAFE_DEPTH
    except ChainError:
        return SAFE_DEPTH


def _develops(chain: Chain) -> bool:
    return chain.development or chain.id in DEVELOPMENT_IDS


def _check_depth(chain: Chain, options: ChainOptions) -> None:
    """Raises Misconfigured."""
    if not options.confirmations and not _develops(chain):
        raise Misconfigured(f"chain.confirmations is 0, and the chain at {shown(options.url)} (number {chain.id}) is "
                            "no development chain, so what it says may be undone: write chain.confirmations = "
                            f"{SAFE_DEPTH}, or what is deep enough there, into node.toml")


def _check(hub: Hub, options: ChainOptions) -> None:
    from eth_abi.exceptions import DecodingError

    try:
        hub.minimum_deposit()
    except (NoContract, Reverted, DecodingError):
        if _syncing(hub.chain):
            raise ChainError(f"the chain at {shown(options.url)} is still being read by its node") from None
        raise Misconfigured(f"there is no hub at {options.hub} on the chain at {shown(options.url)} (number "
                            f"{hub.chain.id}): change chain.hub or chain.url in node.toml") from None


def _syncing(chain: Chain) -> bool:
    try:
        return bool(chain.ask("eth_syncing"))
    except RpcError:
        return False  # a chain that does not know the word


class Retried:
    """What goes wrong again and again with the chain, said once; and that it is over."""

    def __init__(self, log: Log) -> None:
        self._log, self._said = log, ""

    def __call__(self, step: Callable[[], None]) -> bool:
        """Whether `step` went well. A ChainError is logged, but not twice in a row. Raises Stopping."""
        try:
            step()
        except Stopping:
            raise
        except ChainError as error:
            if str(error) != self._said:
                self._log.warning("the chain does not answer" if isinstance(error, ChainUnreachable) else
                                  "the chain refuses", reason=str(error))
            self._said = str(error)
            return False
        if self._said:
            self._log.info("the chain answers again")
            self._said = ""
        return True
