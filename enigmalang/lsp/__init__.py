"""`enig lsp`: what an editor asks about programs, answered from the compiler's own tables.

In the order of use: positions → buffers → snapshot (worker thread) → names/index/facts → one module for each
question → server. Nothing here runs a program or opens a connection.
"""
