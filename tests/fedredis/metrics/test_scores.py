"""What is made of counts by class and probability, beside scikit-learn on the rows themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from fedredis.metrics.scores import EDGES, Scores, area, report, roc

ROWS = 20_000


def scored(classes: int, decimals: int | None = None):
    """Return probabilities (n, classes) and classes (n,); probabilities perhaps rounded."""
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, ROWS)
    raw = rng.normal(size=(ROWS, classes)) + 1.5 * np.eye(classes)[y]
    p = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    if decimals is not None:
        p[:, 1] = (np.floor(p[:, 1] * 10**decimals) / 10**decimals).clip(0, 1)
        p[:, 0] = 1 - p[:, 1]
    return p, y


def counts(p, y, classes, slaves=7):
    """Count rows slave by slave, and add up."""
    scores = Scores(classes)
    parts = zip(np.array_split(p, slaves), np.array_split(y, slaves), strict=True)
    return sum(scores.sums(one[np.newaxis], its[np.newaxis])[0][0] for one, its in parts)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_area_is_scikit_learn_s_to_what_is_said(classes):
    p, y = scored(classes)
    found = counts(p, y, classes)
    for place, table in zip(Scores(classes).told, found, strict=True):
        theirs = sk.roc_auc_score(y == place, p[:, place])
        ours, within = area(table)
        assert abs(ours - theirs) <= within < 5e-4
    # Of scores that are no finer than intervals, nothing is lost.
    p, y = scored(2, decimals=3)
    edges = EDGES[np.searchsorted(EDGES, p[:, 1], side="right") - 1]
    ours, _ = area(counts(p, y, 2)[0])
    assert ours == pytest.approx(sk.roc_auc_score(y, edges), rel=1e-13)


def test_curve_thresholds_calibration_and_classes():
    p, y = scored(2, decimals=2)
    (table,) = counts(p, y, 2)
    confusion = sk.confusion_matrix(y, p.argmax(axis=1))
    found = report(confusion.tolist(), table[np.newaxis], (1,))
    theirs = sk.classification_report(y, p.argmax(axis=1), output_dict=True)
    for place, one in enumerate(found["classes"]):
        named = theirs[str(place)]
        for ours, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert one[ours] == pytest.approx(named[name], rel=1e-13)
        assert one["rows"] == named["support"]
    second = found["classes"][1]
    for line in second["thresholds"]:
        said = p[:, 1] >= line["threshold"]
        (tn, fp), (fn, tp) = sk.confusion_matrix(y, said, labels=[0, 1])
        assert [line[name] for name in ("tp", "fp", "fn", "tn")] == [tp, fp, fn, tn]
        assert line["f1"] == pytest.approx(sk.f1_score(y, said), rel=1e-13)
    observed, told = calibration_curve(y, p[:, 1] + 1e-9, n_bins=10)
    lines = [line for line in second["calibration"] if line["rows"]]
    assert [line["observed"] for line in lines] == pytest.approx(observed.tolist(), rel=1e-12)
    assert [line["told"] for line in lines] == pytest.approx(told.tolist(), abs=5e-4)
    points = roc(table)
    fpr, tpr, _ = sk.roc_curve(y, p[:, 1], drop_intermediate=False)
    at = {(round(a, 12), round(b, 12)) for a, b in zip(fpr, tpr, strict=True)}
    assert {(round(a, 12), round(b, 12)) for a, b in zip(*points.values(), strict=True)} <= at
    assert (points["fpr"][-1], points["tpr"][-1]) == (1, 1)


def test_few_rows_are_not_told_and_none_have_no_area():
    p, y = scored(2)
    (table,) = counts(p[:60], y[:60], 2)
    found = report([[30, 0], [0, 30]], table[np.newaxis], (1,), least=5)["classes"][1]
    assert found["roc"] is None
    for line in found["thresholds"]:
        cells = [line[name] for name in ("tp", "fp", "fn", "tn")]
        assert cells == [None] * 4 or all(cell == 0 or cell >= 5 for cell in cells)
    assert any(line["tp"] is None for line in found["thresholds"])
    assert all(
        line["rows"] is None or line["rows"] not in range(1, 5) for line in found["calibration"]
    )
    assert area(np.zeros((2, len(EDGES)), int)) == (None, 0.0)
