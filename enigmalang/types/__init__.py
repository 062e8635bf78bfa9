"""Value types, the secrecy lattice, ranges."""
