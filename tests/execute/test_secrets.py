"""Private values refuse to leak."""

import copy
import pickle

import numpy as np
import pytest
from runtime_support import TRUTH, shared, traced

from enigmalang.execute.domain import ClearDomain
from enigmalang.execute.secret import Secret


@pytest.mark.parametrize("domain", [ClearDomain(), traced("M61")], ids=["clear", "traced"])
def test_a_secret_shows_nothing(domain):
    secret = shared(domain, True, TRUTH)
    assert isinstance(secret, Secret)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>20}".strip()):
        assert text == "<private>"
    with pytest.raises(TypeError, match="reveal"):
        bool(secret)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="copied"):
        copy.copy(secret)


def test_a_wire_does_not_show_its_input():
    domain = traced("M61")
    secret = shared(domain, np.array([123456789]), TRUTH)
    assert "123456789" not in repr(secret.wire)  # type: ignore[attr-defined]
