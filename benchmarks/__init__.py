"""Benchmarks of the whole path: `python -m benchmarks --help`. Not part of the installed package."""
