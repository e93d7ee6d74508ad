import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import r2_score

from fedredis.models import SklearnSGD, StackedModel, SteeredModel, TrainingSettings
from fedredis.models.protocol import lacks
from tests.fedredis.models.test_contract import WIDTH, make_parameters, make_rows

#: Classes; 0 for numbers.
KINDS = [0, 2, 3]


def settings(epochs=1, batch_size=20, rate=0.1, l2=1e-2):
    return TrainingSettings(epochs, batch_size, rate, l2)


@pytest.mark.parametrize(("classes", "rows"), [(0, 1), (2, 1), (3, 3)])
def test_parameters(classes, rows):
    model = SklearnSGD(WIDTH, classes)
    assert [field.shape for field in model.schema().fields] == [(rows, WIDTH), (rows,)]
    initial = model.initialise(np.random.default_rng(0))
    model.schema().views(initial)  # raises if they do not fit
    assert not any(array.any() for array in initial)


def test_it_is_a_model_and_no_more():
    assert lacks(SklearnSGD(WIDTH, 3), SteeredModel)
    assert not isinstance(SklearnSGD(WIDTH, 3), StackedModel)


@pytest.mark.parametrize("classes", KINDS)
def test_it_is_what_the_estimator_does_from_call_to_call(classes):
    """Trained twice through parameters, or by one estimator that goes on: the same bits."""
    X, y = make_rows(classes)
    model, rng = SklearnSGD(WIDTH, classes), np.random.default_rng(7)
    trained = model.initialise(rng)
    for _ in range(2):
        trained = model.train(trained, X, y, settings(epochs=3, batch_size=1, rate=0.01), rng)

    make, loss = (SGDClassifier, "log_loss") if classes else (SGDRegressor, "squared_error")
    known = {"classes": np.arange(classes)} if classes else {}
    rng = np.random.default_rng(7)
    reference = make(loss=loss, alpha=1e-2, learning_rate="constant", eta0=0.01)
    for _ in range(6):
        reference.set_params(random_state=int(rng.integers(1 << 31)))
        reference.partial_fit(X, y, **known)
    assert trained[0].tobytes() == reference.coef_.tobytes()
    assert trained[1].tobytes() == reference.intercept_.tobytes()
    model.schema().views(trained)
    predicted = reference.predict_proba(X) if classes else reference.predict(X)[:, np.newaxis]
    np.testing.assert_allclose(model.predict(trained, X), predicted, rtol=1e-12)


def loss(classes, coef, intercept, X, y, l2):
    """Mean loss and penalty, of each class against the rest."""
    scores = X @ coef.T + intercept
    if not classes:
        losses = (scores[:, 0] - y) ** 2 / 2
    else:
        signs = np.where(y[:, np.newaxis] == (np.arange(len(coef)) if classes > 2 else 1), 1, -1)
        losses = np.logaddexp(0, -signs * scores).sum(axis=1)
    return losses.mean() + l2 / 2 * (coef**2).sum()


@pytest.mark.parametrize("classes", KINDS)
def test_the_rows_of_a_batch_move_it_as_far_as_one_step_on_their_mean(classes):
    X, y = make_rows(classes)
    model, rate, h, l2 = SklearnSGD(WIDTH, classes), 1e-5, 1e-6, 0.3
    before = make_parameters(model)
    one_batch = settings(batch_size=len(y), rate=rate, l2=l2)
    trained = model.train(before, X, y, one_batch, np.random.default_rng(0))
    for array, after, name in zip(before, trained, ("coef", "intercept"), strict=True):
        gradient = np.empty_like(array)
        for at in np.ndindex(array.shape):
            sides = []
            for step in (h, -h):
                moved = array.copy()
                moved[at] += step
                given = {"coef": before[0], "intercept": before[1], name: moved}
                sides.append(loss(classes, X=X, y=y, l2=l2, **given))
            gradient[at] = (sides[0] - sides[1]) / (2 * h)
        np.testing.assert_allclose((array - after) / rate, gradient, rtol=1e-3, atol=1e-3)


def test_a_step_that_is_much_too_large():
    X, y = make_rows(0)
    model = SklearnSGD(WIDTH, 0)
    with pytest.raises(ValueError, match="overflow"):
        model.train(make_parameters(model), X, y, settings(rate=1e300), np.random.default_rng(0))


@pytest.mark.parametrize(("classes", "least"), [(0, 0.99), (2, 0.85), (3, 0.75)])
def test_the_mean_over_slaves_learns(classes, least):
    X, y = make_rows(classes)
    model = SklearnSGD(WIDTH, classes)
    w = model.initialise(np.random.default_rng(0))
    for number in range(20):
        each = [
            model.train(w, X[k::4], y[k::4], settings(), np.random.default_rng([number, k]))
            for k in range(4)
        ]
        w = [sum(arrays) / 4 for arrays in zip(*each, strict=True)]
    told = model.predict(w, X)
    right = (told.argmax(axis=1) == y).mean() if classes else r2_score(y, told[:, 0])
    assert right > least
