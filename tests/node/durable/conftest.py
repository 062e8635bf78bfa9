"""These tests act as the clients that the service's tests are."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "service"))
