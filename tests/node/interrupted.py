"""A program with a cluster, for the Ctrl-C tests: prints the workers' process ids, then computes for ever."""

import sys

import numpy as np
from node_helpers import ENDLESS, chain, run_product

from enigmalang.node.cluster import Cluster

with Cluster.start() as cluster:
    print(*cluster.pids.values(), flush=True)
    if sys.argv[1] == "running":
        run_product(cluster)
        print("running", flush=True)
        cluster.run(chain(ENDLESS), [np.ones(100, dtype=np.int64)])
    else:
        sys.stdin.read()
