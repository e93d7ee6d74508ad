import numpy as np
import pytest


@pytest.fixture(scope="session")
def gather():
    """Make every pass over the parts, as a master and its slaves would; return what is known."""

    def make_passes(features, parts):
        known = {}
        while name := features.next_pass(known):
            total = features.schema(name).zeros()
            for part in parts:
                for sum_, array in zip(total, features.sums(name, known, part), strict=True):
                    sum_ += array
            known = features.learn(name, known, total)
        return known

    return make_passes


@pytest.fixture
def rows():
    """900 rows: a skewed share with a mass at 0, two values, a normal, an integer 0 to 11."""
    rng = np.random.default_rng(7)
    share = np.where(rng.random(900) < 0.3, 0.0, rng.beta(0.5, 3.0, 900))
    return np.column_stack(
        (share, rng.integers(0, 2, 900), rng.normal(-8, 3, 900), rng.integers(0, 12, 900))
    )
