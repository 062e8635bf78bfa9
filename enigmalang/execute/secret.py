"""Private values at run time: a type that refuses to leak."""

from collections.abc import Callable
from typing import Any, NoReturn

Shape = tuple[int, ...]


class Secret:
    """A private value; only its shape is public. Subclasses say how a domain holds it."""

    __slots__ = ("__weakref__",)

    @property
    def shape(self) -> Shape:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "<private>"

    def __str__(self) -> str:
        return "<private>"

    def __format__(self, spec: str) -> str:
        return "<private>"

    def __bool__(self) -> NoReturn:
        raise TypeError("a private value has no truth in the clear; reveal it first")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a private value cannot be pickled or copied")


class Pending:
    """A revealed value that has not been opened yet; all pending ones are opened together. `check`, where there is one,
    raises for a value that must not go further.
    """

    __slots__ = ("check", "rank", "ready", "secret", "value")

    def __init__(self, secret: Secret | None, rank: int) -> None:
        self.secret = secret
        self.rank = rank
        self.ready = False
        self.value: Any = None
        self.check: Callable[[Any], Any] | None = None

    def resolve(self, value: Any) -> None:
        self.value, self.ready, self.secret = value, True, None
