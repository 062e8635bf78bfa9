"""Off-chain storage, as pure rules and one node's files; `node.daemon.storing` is what talks to others.

For clients: `sealing` (encrypted before it leaves), `chunks` (a Merkle tree), `records` (what the owner signed),
`memory` (the store in memory).
Routing (Kademlia): `ids`, `buckets`, `lookup`, `errands`, and `machine`, the node as a state machine, with its `ports`
and `settings`.
Who keeps what: `placement`, `repair`, `rent`. On disk: `shelf`, `database`, `writing`, `canonical` (one encoding).
At size: `virtual` (networks in virtual time) and `simulator`.
"""
