"""Run as a program: fills a shelf, says what was acknowledged, and kills itself at the named point.

Arguments: file, point, how many times the point is passed before.
"""

import os
import signal
import sys
from pathlib import Path

from storing import Ready, filled, in_the_clear, verified

from enigmalang.dht.chunks import CHUNK
from enigmalang.dht.shelf import Shelf

COUNT = 4


def value_of(number: int) -> Ready:
    return in_the_clear(filled(CHUNK // 4 + number, f"value {number}"))


def main(path: str, point: str, before: int) -> None:
    passed = 0

    def at(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed > before:
            os.kill(os.getpid(), signal.SIGKILL)

    shelf = Shelf(Path(path), 2**30, passed=at)
    for number in range(COUNT):
        value = value_of(number)
        shelf.put(verified(value, str(number)))
        print(f"record {number}", flush=True)
        shelf.put_chunks(verified(value, str(number)).record, value.all_chunks())
        print(f"chunks {number}", flush=True)
        if number:
            shelf.drop(1, verified(value_of(number - 1), str(number - 1)).record.key)
            print(f"dropped {number - 1}", flush=True)
    shelf.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
