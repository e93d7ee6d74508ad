"""The benchmarks are not installed: they are found beside the tests, behind all that is."""

import sys
from pathlib import Path

from tests.data.conftest import real_songs

__all__ = ["real_songs"]

sys.path.append(str(Path(__file__).resolve().parents[2]))
