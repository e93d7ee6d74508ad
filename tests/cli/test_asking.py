"""Commands that ask something, and what they print."""

import json

import pytest
from lifelines.datasets import load_gbsg2
from matplotlib.image import imread

import fedredis
from fedredis.api.study.answer_picture import figure_of
from fedredis.cli import answers
from fedredis.embedded import EmbeddedServer

TIMES = ("--time", "time", "--event", "cens")
LEVELS = ("horTh=no,yes", "menostat=Post,Pre", "tgrade=I,II,III")


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """Serve patients with breast cancer, cut for two slaves; return the Redis, and the folder."""
    folder = tmp_path_factory.mktemp("patients")
    load_gbsg2().to_csv(folder / "patients.csv", index=False)
    parts = folder / "parts"
    fedredis.partition(
        folder / "patients.csv",
        slaves=2,
        out=parts,
        label="cens",
        task="regress",
        test_fraction=0,
        missing="mean",
    )
    with (
        EmbeddedServer.open(folder) as running,
        fedredis.serving(parts, redis_url=running.url),
    ):
        # Which waits until a worker is there.
        fedredis.describe(parts, redis_url=running.url)
        yield running.url, parts


@pytest.fixture
def patients(call, ward, monkeypatch):
    """Name the Redis in the environment; return how commands ask the patients."""
    url, parts = ward
    monkeypatch.setenv("REDIS_URL", url)
    return ("--data", parts, *(word for each in LEVELS for word in ("--levels", each)))


@pytest.fixture
def answered(ward):
    """Return a function that looks up the answer of a run."""
    return lambda run: fedredis.show(run, redis_url=ward[0]).answer


@pytest.mark.parametrize(
    ("asked", "shown", "rows"),
    [
        (
            ["describe", "--by", "horTh", "--columns", "age,tgrade"],
            ["horTh = yes", "50 %", "III"],
            4,
        ),
        (
            ["describe", "--columns", "age,tsize", "--quantiles", "0.1"],
            ["10 %", "correlations"],
            2,
        ),
        (["glm", "cens ~ age + horTh", "--family=binomial"], ["horTh[T.yes]", "odds ratio"], 3),
        (["glm", "--label", "age", "--columns", "tsize"], ["Intercept", "deviance"], 2),
        (["table", "horTh", "menostat"], ["chi squared", "fisher", "686"], 2),
        (["table", "age", "tgrade"], ["anova", "mean"], 3),
        (["survival", *TIMES, "--by", "horTh"], ["median 2018", "log rank"], 283),
        (["survival", *TIMES, "--cox", "age,horTh"], ["hazard ratio", "time as km"], 2),
        (["pca", "--columns", "age,tsize,pnodes"], ["PC1", "loadings"], 3),
        (["kmeans", "--columns", "age,tsize"], ["centres", "inertia"], 3),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_answer_is_drawn(call, patients, answered, asked, shown, rows):
    answer = call(*asked, *patients)
    assert (answer.code, answer.err) == (0, "")
    assert all(text in answer.out for text in shown)
    run = next(line.split()[1] for line in answer.out.splitlines() if line.startswith("run "))
    found = answered(run)
    assert len(found.frame) == rows
    for width in range(20, 130, 10):
        lines = [line for line, _ in answers.written(found, width, "utf-8")]
        head = "\n".join(lines)
        # An interval has both of its ends, or neither.
        assert ("95 % low" in head) == ("95 % high" in head)


def test_what_is_withheld_is_said_and_json_is_one_object(call, patients):
    answer = call("table", "horTh", "tgrade", *patients, "--least-cell", 100)
    assert "withheld: cells and tests" in answer.err
    found = json.loads(call("table", "horTh", "tgrade", *patients, "--json").out)
    assert (found["analysis"], found["total"]) == ("table", 686)
    assert json.loads(call("show", found["run"], "--json").out)["answer"] == found
    assert "table" in call("runs").out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["glm", "cens ~ age", "--levels", "horTh"], "--levels horTh: give COLUMN=A,B,…"),
        (["glm", "cens ~ age", "--reference", "x"], "--reference x: give COLUMN=CATEGORY"),
        (["glm", "cens ~ os.system(age)"], "no expression"),
        (["describe", "--quantiles", "half"], "no list of numbers"),
        (["describe", "--quantiles", "2"], "between 0 and 1"),
        (["table", "horTh", "nobody"], "nobody"),
        (["survival", *TIMES, "--strata", "horTh"], "covariates"),
    ],
)
def test_what_can_not_be_asked(call, patients, asked, said):
    answer = call(*asked, *patients)
    assert answer.code == 2
    assert said in answer.err


def test_described_columns_as_a_picture(call, patients, answered):
    asked = ("describe", "--columns", "age,tgrade", "--by", "horTh", *patients)
    answer = json.loads(call(*asked, "--json", "--plot", "columns.png").out)
    age, tgrade = figure_of(answered(answer["run"])).axes
    assert imread("columns.png").shape[2] == 4
    groups = [group["columns"] for group in answer["groups"]]
    quantiles = [list(columns[0]["quantiles"].values()) for columns in groups]
    whiskers, medians, means = (age.lines[i::3] for i in range(3))
    assert [line.get_xdata().tolist() for line in whiskers] == [[q[0], q[-1]] for q in quantiles]
    assert [line.get_xdata()[0] for line in medians] == [q[2] for q in quantiles]
    assert [line.get_xdata()[0] for line in means] == [c[0]["mean"] for c in groups]
    assert [(box.get_x(), box.get_width()) for box in age.patches] == [
        (q[1], q[3] - q[1]) for q in quantiles
    ]
    shares = [level["share"] for columns in groups for level in columns[1]["categories"]]
    assert [bar.get_width() for bar in tgrade.patches] == shares


def test_an_answer_as_a_picture(call, patients, answered):
    asked = ("survival", *TIMES, "--by", "horTh", *patients, "--json", "--plot", "curves.png")
    answer = json.loads(call(*asked).out)
    drawn = figure_of(answered(answer["run"])).axes[0]
    for line, curve in zip(drawn.lines, answer["curves"], strict=True):
        assert line.get_xdata().tolist() == [0, *curve["time"]]
        assert line.get_ydata().tolist() == [1, *curve["survival"]]
    assert imread("curves.png").shape == (750, 1200, 4)
    again = call(*asked)
    assert (again.code, again.out) == (2, "")
    assert "curves.png" in again.err
    # A question is drawn as any run is.
    call("plot", answer["run"], "--out", "curves.png", "--force")
    assert call("glm", "age ~ tsize", *patients, "--plot", "odds.jpg").code == 2
    hazards = json.loads(call("survival", *TIMES, "--cox", "age,tsize", *patients, "--json").out)
    (dots, *_), *_ = figure_of(answered(hazards["run"])).axes[0].containers
    assert dots.get_xdata().tolist() == [line["ratio"] for line in hazards["coefficients"]]
    table = json.loads(call("table", "horTh", "tgrade", *patients, "--json").out)
    assert "no picture" in call("plot", table["run"], "--out", "table.png").err
