"""The node tests use the transport tests' helpers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "transport"))
