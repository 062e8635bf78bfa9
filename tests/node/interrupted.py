"""A program with a cluster, for the Ctrl-C tests: prints the workers' process ids, then computes for ever."""

import sys

from node_helpers import LONG, endless, run_product

from enigmalang.node.cluster import Cluster

with Cluster.start(timeout=LONG) as cluster:
    print(*cluster.pids.values(), flush=True)
    if sys.argv[1] == "running":
        run_product(cluster)
        print("running", flush=True)
        cluster.run(*endless())
    else:
        sys.stdin.read()
