"""Layered circuits over arrays of secret values: data, layers, evaluation in the clear."""
