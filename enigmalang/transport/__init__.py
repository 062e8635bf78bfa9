"""Links between processes. The port is `network`; behind it are `tls` and, in memory, `memory`; `faulty` misbehaves.

A run's links: `identity` (keys of the run), `channel` (one TLS connection), `links`, `doors` (where members meet on a
machine), `mesh`. `peering` are the channels of nodes that stay up.
"""
