"""Importing eth_utils, which py-evm and eth_abi are made with, without pydantic: a quarter of the time that the
embedded chain takes to start goes into a class that nothing here uses.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

_PART, _CLASS = "eth_utils.pydantic", "CamelModel"


class _StandIn(type):
    """What eth_utils' own modules hold instead of the class: nothing is one of it before the class is made."""

    def __instancecheck__(cls, value: object) -> bool:
        made = sys.modules.get(_PART)
        return made is not None and isinstance(value, getattr(made, _CLASS))


def import_eth_utils() -> None:
    """Import eth_utils; its `CamelModel` is made when somebody first asks for it."""
    if "eth_utils" in sys.modules or _PART in sys.modules:
        return
    stand_in = ModuleType(_PART)
    setattr(stand_in, _CLASS, _StandIn(_CLASS, (), {}))
    sys.modules[_PART] = stand_in
    try:
        package = importlib.import_module("eth_utils")
    finally:
        del sys.modules[_PART]
    delattr(package, _CLASS)

    def late(name: str) -> Any:
        if name not in (_CLASS, "pydantic"):
            raise AttributeError(f"module 'eth_utils' has no attribute {name!r}")
        module = importlib.import_module(_PART)
        setattr(package, _CLASS, getattr(module, _CLASS))
        return module if name == "pydantic" else getattr(module, _CLASS)

    setattr(package, "__getattr__", late)  # PEP 562  # noqa: B010
