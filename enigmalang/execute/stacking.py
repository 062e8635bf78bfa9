"""The rows that a loop or a comprehension made, as one tensor."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from enigmalang.execute.defaults import array_of, is_number, zeros
from enigmalang.execute.domain import Domain
from enigmalang.execute.secret import Secret
from enigmalang.ir.ir import Tensor


def stacked(domain: Domain, type: Tensor, items: Sequence[Any], private: bool) -> Any:
    """Rows as one tensor: private if a row is, or if there are none and the result is said to be."""
    row = Tensor(type.element, type.rank - 1)
    secret = next((i for i in items if isinstance(i, Secret)), None)
    if secret is not None:
        alike = [i if isinstance(i, Secret) else domain.share(i, row, client=False) for i in items]
        return domain.rows(alike, type, secret.shape)
    if not items:
        empty = (0,) * type.rank
        return domain.zero(type, empty) if private else zeros(type.element, empty)
    if type.rank == 1:
        return array_of(type.element, items, (len(items),))
    if is_number(type.element) and any(i.dtype == object for i in items):
        items = [i.astype(object) for i in items]
    return np.stack(items)
