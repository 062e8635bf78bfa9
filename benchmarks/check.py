"""Whether a run computed what NumPy computes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.workloads import Data, Workload


class WrongResult(Exception):
    """A benchmark that computes the wrong thing measures nothing."""


def differences(workload: Workload, data: Data, found: Mapping[str, Any]) -> str:
    """What is wrong with the results `found`, in words; empty when they are right."""
    expected = workload.expect(data, workload.numpy(data))
    if expected.keys() != found.keys():
        return f"{workload.name}: results {', '.join(found)} instead of {', '.join(expected)}"
    for key, value in expected.items():
        wanted, got = np.asarray(value), np.asarray(workload.settled(found[key]))
        if wanted.shape != got.shape:
            return f"{workload.name}: {key} has the shape {got.shape} instead of {wanted.shape}"
        apart = np.abs(got.astype(object) - wanted.astype(object))
        wrong = int(np.sum(apart > workload.tolerance)) if apart.size else 0
        if wrong:
            return f"{workload.name}: {wrong} of {apart.size} numbers in {key} are wrong"
    return ""


def check(workload: Workload, data: Data, found: Mapping[str, Any]) -> None:
    """Raise WrongResult when the results are not NumPy's."""
    wrong = differences(workload, data, found)
    if wrong:
        raise WrongResult(wrong)
