"""Lets the tests of this folder import their harness, whatever import mode pytest runs in, and gives them stores."""

import sys
from pathlib import Path

from places import place, server_place

__all__ = ["place", "server_place"]

sys.path.insert(0, str(Path(__file__).resolve().parent))
