"""The soak: a devnet of real processes under random jobs, stores and reads, while one node after the other is killed
and started again; every job is held against a model, and at the end everything that was acknowledged is looked for.

In order: `options` what is asked for, `network` the processes, `models` and `jobs` what is computed, `storing` what is
stored, `clients` who asks, `killing` who kills, `watching` memory, threads and files, `audit` what the chain and the
disks say at the end, `losses` nodes lost for good and the stranger, `report` what came of it, `command` all of it.
"""
