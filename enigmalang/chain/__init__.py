"""The chain: adapters, the hub, deployed contracts.

The port is `evm` (one method, JSON-RPC's). Behind it: the embedded chain (`embedded`, `pyevm`, `records`, `lean`), kept
in memory or in a file (`chainstore`, `chainfile`); a node elsewhere (`rpc`, `wires`); `anvil`, which `kept` and `dumps`
let outlive its process. `server` serves a chain to others, `development` is what only development chains do.
On any of them: `client` reads and writes, `follow` follows logs, `fees`, `reverts`, `errors`; `abi`, `interface` and
`decoding` make bytes of values.
The hub (`contracts/`, in Vyper, by `compiling`): `hub`, `digests` (what is signed), `formations` (committees),
`requested` and `outcomes` (jobs), `money`, `logbook` (`L`), `receiving` (keys), `permissions` and `rules` (predicates),
`acting` (shared identities), `storage` (rent), `vault`.
Programs: `ledger` is the interpreter's ledger on a chain, `memory` its twin without one, `overlay` writes that have not
happened; `deployed` calls contracts, `python_client` writes modules that do; `vyper` makes their source.
"""
