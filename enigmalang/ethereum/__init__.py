"""Ethereum's own forms: Keccak-256, RLP, secp256k1 signatures and addresses, signed transactions."""
