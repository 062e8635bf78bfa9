"""One party of MPyC as a process: `python -m benchmarks.mpyc_party -I 0 -P … -P …` (MPyC reads these itself, when it
is imported). A line of JSON on stdin asks for a run; one on stdout says what it took, and whether it was right."""

import json
import resource
import sys
import time
from typing import Any

from benchmarks.check import differences
from benchmarks.mpyc_programs import PROGRAMS, Run
from benchmarks.workloads import WORKLOADS


async def answer(mpc: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Run one workload; seconds until the inputs were shared, and from there to the opened results."""
    workload = WORKLOADS[request["workload"]]
    data = workload.data(request["size"], request["seed"])
    run = Run(mpc, time.perf_counter)
    await mpc.barrier()
    begin = time.perf_counter()
    found = await PROGRAMS[workload.path.stem](run, data)
    end = time.perf_counter()
    return {
        "inputs": run.given_at - begin, "computing": end - run.given_at,
        "wrong": differences(workload, data, found),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def main() -> None:
    """Serve requests until stdin ends."""
    from mpyc.runtime import mpc  # reads argv, so not before there is somebody who wants it

    mpc.run(mpc.start())
    for line in sys.stdin:
        print(json.dumps(mpc.run(answer(mpc, json.loads(line)))), flush=True)
    mpc.run(mpc.shutdown())


if __name__ == "__main__":
    main()
