"""One bench for the session: its clusters start once."""

from run_support import bench

__all__ = ["bench"]
