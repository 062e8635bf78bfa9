"""Who acts: `keys` of a development network, encrypted key `files`, and `predicates`, which say who may."""
