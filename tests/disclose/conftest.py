"""One session for all runs in the clear."""

from run_support import bench

__all__ = ["bench"]
