import numpy as np
import pytest

from fedredis.arrays import Scope, Sum, Updates


@pytest.fixture(scope="session")
def gather():
    """Make every pass over the parts, as a master and its slaves would; return what is known.

    Each slave is encoded, some are bundled by a worker, and each bundle is checked on arrival.
    """

    def make_passes(features, parts, labels=None, *, bundle=2, passes=None, seen=None):
        scope = Scope(len(parts), sum(map(len, parts)))
        labels = labels or [np.zeros(len(part)) for part in parts]
        known = {}
        while name := features.next_pass(known):
            rule = Sum(features.quantities(name, known), scope)
            summed, total = [], rule.schema.zeros()
            for part, y in zip(parts, labels, strict=True):
                sums = features.sums(name, known, part, y)
                samples = np.array([len(part)])
                summed.append((samples, rule.encode([a[np.newaxis] for a in sums], samples)))
            for start in range(0, len(parts), bundle):
                of = summed[start : start + bundle]
                stacks = [np.concatenate(each) for each in zip(*(a for _, a in of), strict=True)]
                rows = np.concatenate([samples for samples, _ in of])
                names = tuple(f"{start + i}" for i in range(len(of)))
                (bundled,) = rule.bundles(Updates(names, rows, stacks))
                arrived = [a[np.newaxis] for a in bundled.arrays]
                told = np.array([bundled.rows])
                assert rule.reasons(np.array([len(of)]), told, arrived) == [None]
                total = [one + other for one, other in zip(total, bundled.arrays, strict=True)]
            before = {key: array.copy() for key, array in known.items()}
            after = features.learn(name, known, rule.decode(total))
            assert before.keys() == known.keys()
            assert all((known[key] == array).all() for key, array in before.items())
            known = after
            if passes is not None:
                passes.append(name)
            if seen is not None:
                seen.append([array.tobytes() for array in total])
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
