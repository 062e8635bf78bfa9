"""The typed SSA IR: data, operation table, builder, text form, verifier."""
