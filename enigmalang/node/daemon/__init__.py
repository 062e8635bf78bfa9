"""A node as a daemon with a folder: `daemon` runs it from start to end, `following` is its thread on the chain.

The folder: `config` (node.toml), `folders`, `keys`, `pidfile`. The chain: `connection`, `membership` (its place on the
hub), `registry` and `registry_file` (who is a peer), `endpoints`. For people: `control` (the socket that `enig node`
asks), `status`, `log`, `metrics`, `monitor`, `peers`.
What it does is done by its `parts`, put together in `assembly`: `seats` (computing), `storing`.
"""
