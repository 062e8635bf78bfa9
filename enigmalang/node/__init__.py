"""Nodes and their clients: worker processes of one command, committees of a chain, daemons that stay up.

Worker processes: `cluster` is the engine that the interpreter sees, with `processes`, `pipes`, `control`, `layout`,
`patience`, `watch` (who hangs), `idle` and `shipping`; each of them is a `worker`, in which a `session` runs circuits.
`local` is a world on this machine. Inputs: `masking`, `blocks`. `recording`: circuits for other tools. `faults`.
Jobs of a chain, at a node: `serving`, `engine`, `admission`, `admitting`, `attesting`, `refuting`, `mustering`,
`directory`, `sitting`, `no_store`, `receivers`, `undisturbed`. Who drives them: `operator`, `teams`, `waiting` and
`turns`; `hosting` and `devchain` bring a network up, `networks` remembers it, `service` and `reserved` answer clients.
Who serves: `sortition`, `draws`.
Vaults, at a node: `vaults`, `ordered`, `vault_room`. At a script: `network_world`, `network_engine`, `network_entries`,
`network_store`, `network_check`, `order_drafts`, `vault_client`, `vault_places`.
Clients: `remote`, `reaching`, `python_calls`, and `remote_calls`, `remote_jobs`, `remote_service`, `remote_forming`,
`remote_state`, `remote_storage`, `remote_fetching`, `remote_nodes`.
Packages: `daemon` (a node that stays up), `durable` (what it keeps), `devnet` (several), `costing` (`enig cost`).
"""
