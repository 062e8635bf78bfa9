"""Channels between nodes that do not trust each other, and from a user's programs to a node (start at `peering.py`)."""
