"""Whatever one slave hands in that is taken: a run goes on, or ends in a line, and no slave but it
is at a loss in the passes that follow."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedredis.arrays import Bundle
from fedredis.data.reading import Reading
from fedredis.exchanges import here, reduction
from fedredis.exchanges.setup import BINS, BOOSTING
from fedredis.models import TREES

SLAVES, LIAR = 5, "3"
GROWN = {"strategy": BOOSTING, "features": BINS, "model": TREES}
WAYS = {
    "plain": {},
    "gaps": {"features": "quadratic", "reading": Reading(missing="mean")},
    "newton": {"features": "quadratic", "strategy": "newton"},
    "numbers": {"classes": (), "model": "linear", "strategy": "newton"},
    "fairly": {"strategy": "qfedavg"},
    "trees": GROWN,
    "trees of numbers": {**GROWN, "classes": ()},
}
#: What is tried in a round until the slave is content.
TRIES = 20


def _into_one_cell(rng, a):
    lines = a.sum(axis=-1)
    a[...] = 0
    for at in np.ndindex(lines.shape):
        a[(*at, rng.integers(a.shape[-1]))] = lines[at]


def _one(rng, a):
    a.flat[rng.integers(a.size)] += rng.choice([1, -1]) * 2 ** int(rng.integers(61))


def _set(values: Callable) -> Callable:
    def change(rng, a):
        a.flat = values(rng, a.ravel().copy())

    return change


#: What may become of integers.
LIES = (
    _into_one_cell,
    _one,
    _set(lambda rng, flat: flat * 0),
    _set(lambda rng, flat: -flat),
    _set(lambda rng, flat: flat // int(rng.integers(2, 50))),
    _set(lambda rng, flat: rng.permutation(flat)),
    _set(lambda rng, flat: np.roll(flat, rng.integers(5))),
    _set(lambda rng, flat: np.where(rng.random(flat.size) < 0.1, 0, flat)),
    _set(lambda rng, flat: np.full_like(flat, rng.choice([1, -1]) * 2 ** int(rng.integers(61)))),
)


class Lying(here.Here):
    """Slaves of which one hands in anything that is taken from it."""

    def __init__(self, rows, seed):
        super().__init__(rows, together=1)
        self._rng = np.random.default_rng(seed)

    def work(self, exchange):
        return [
            self._lie(exchange, bundle) if bundle.slaves == (LIAR,) else bundle
            for bundle in super().work(exchange)
        ]

    def _lie(self, exchange, bundle: Bundle) -> Bundle:
        for _ in range(TRIES):
            arrays, at = list(bundle.arrays), self._rng.integers(len(bundle.arrays))
            arrays[at] = arrays[at].copy()
            LIES[self._rng.integers(len(LIES))](self._rng, arrays[at])
            tried = replace(bundle, arrays=arrays)
            if not reduction.Reduction(exchange.rule, exchange.slaves).take([("x", tried)]):
                bundle = tried
        return bundle


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seeds", [range(5), pytest.param(range(5, 300), marks=pytest.mark.soak)])
def test_a_lie_that_is_taken_spoils_no_other_slaves_work(
    way, seeds, make_rows, make_setup, monkeypatch
):
    rows = make_rows(SLAVES, classes=WAYS[way].get("classes", 3))
    setup = make_setup(rows, **WAYS[way])
    for seed in seeds:
        monkeypatch.setattr(here, "Here", lambda rows, *_, seed=seed, **__: Lying(rows, seed))
        progress = here.drive(setup, rows)
        assert np.isfinite([*progress.scores.values()]).all(), seed
        assert all(np.isfinite(a).all() for a in progress.artifacts[progress.model].values()), seed
