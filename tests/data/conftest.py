from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[2].parent / "shared/data/spotify-decades"


@pytest.fixture(scope="session")
def real_songs() -> Path:
    """The folder of real songs, which is no part of the project."""
    if not (REAL / "dataset-of-60s.csv").exists():
        pytest.skip(f"the real songs are not beside the checkout, in {REAL}")
    return REAL
