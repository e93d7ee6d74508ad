import formulaic
import numpy as np
import pandas as pd
import pytest

from fedredis.api.inference.formula import parse
from fedredis.errors import DataError, UsageError
from fedredis.inference.design import INTERCEPT, Design
from fedredis.inference.expressions import Expression
from fedredis.inference.stages import Frame

LEVELS = {"a": "xyz", "b": "uv", "c": "pqr"}
KINDS = {**dict.fromkeys(LEVELS, "category"), "n": "number", "m": "number"}
TEXTS = {c: {str(i): level for i, level in enumerate(levels, 1)} for c, levels in LEVELS.items()}
KNOWN = {f"levels:{c}": np.arange(1.0, len(levels) + 1) for c, levels in LEVELS.items()}


@pytest.mark.parametrize(
    "formula",
    [
        *("n + a", "a*b", "a:b", "a:n", "a*n", "a*b*c", "a + a:b", "b + a:b", "0 + a"),
        *("0 + a + b", "0 + a:b", "a:b:n", "a + b:c", "(a + b + n)**2", "a:b + a:b:c"),
        *("log(m) + n:m", "C(a, contr.treatment('y'))*n + I(n**2)"),
    ],
)
def test_categories_are_coded_as_by_formulaic(formula):
    rng = np.random.default_rng(0)
    codes = {c: rng.integers(1, len(levels) + 1, 60) for c, levels in LEVELS.items()}
    numbers = {"n": rng.normal(size=60), "m": rng.uniform(1, 2, 60)}
    texts = {c: [LEVELS[c][i - 1] for i in code] for c, code in codes.items()}
    theirs = formulaic.model_matrix(formula, pd.DataFrame({**texts, **numbers}))
    terms = parse(formula)
    design = Design(terms.terms, KINDS, terms.intercept, TEXTS)
    columns = {**{c: code.astype(float) for c, code in codes.items()}, **numbers}
    ours = pd.DataFrame(design.matrix(KNOWN, Frame(columns, 60)), columns=design.names(KNOWN))
    assert sorted(ours) == sorted(theirs)
    assert ours[list(theirs)].to_numpy() == pytest.approx(theirs.to_numpy())


def test_the_base_is_chosen_by_name():
    design = Design((("a",),), KINDS, True, TEXTS, {"a": "z"})
    assert design.names(KNOWN) == (INTERCEPT, "a[T.x]", "a[T.y]")
    with pytest.raises(UsageError, match="no category 'w'"):
        Design((("a",),), KINDS, True, TEXTS, {"a": "w"}).names(KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        *("__import__('os')", "n.real", "n[0]", "lambda: 1", "(n := 2)", "n if m else 1", "'n'"),
        *("exp(n, m)", "exp(x=n)", "open(n)", "n @ m", "n" * 501, "-" * 400 + "n" + "+1" * 300),
        f"n * 1{'0' * 400}",
    ],
)
def test_nothing_but_arithmetic_is_worked_out(text):
    with pytest.raises(UsageError):
        Expression(text, ("n", "m"))


def test_an_expression():
    columns = {"n": np.array([1.0, 4.0]), "my m": np.array([2.0, 3.0])}
    expression = Expression("-sqrt(n) / 2 + I(`my m` ** 2)", tuple(columns))
    assert set(expression.columns) == {"n", "my m"}
    assert expression.of(columns, 2).tolist() == [3.5, 8.0]
    assert Expression("my m", tuple(columns)).of(columns, 2).tolist() == [2.0, 3.0]
    with pytest.raises(DataError, match="no number"):
        Expression("log(n - 1)", tuple(columns)).of(columns, 2)
    with pytest.raises(UsageError, match="no column 'x'"):
        Expression("log(x)", tuple(columns))
