"""What is drawn is what the history and the slaves say."""

from dataclasses import replace

import numpy as np
import pytest

from fedredis.api.inspection import RunRecord
from fedredis.api.study.canvas import save
from fedredis.api.study.run_picture import COLOURS, figure_of
from fedredis.keys import RoundName
from fedredis.store.runs import RunState

CLASSES = ("cat", "dog", "eel")


@pytest.fixture
def make(make_config):
    """Return a maker of records of runs, with figures at random."""

    def make(run="0a1b2c3d", *, rounds=4, state=None, told=None, **changes):
        config = make_config(**{"classes": CLASSES, **changes})
        rng, history = np.random.default_rng(rounds), {}
        for number in range(1, rounds + 1):
            history[RoundName("train", number)] = {"ms": 1.0}
            history[RoundName("evaluate", number)] = (
                {
                    "accuracy": float(rng.random()),
                    "log_loss": float(rng.random()),
                    "confusion": rng.integers(0, 99, (len(config.classes),) * 2).tolist(),
                }
                if config.classes
                else {"r2": float(rng.random()), "mse": float(rng.random())}
            )
        facts = {
            str(slave): {"accuracy": f"0.{slave + 3}", "r2": "-0.5", "test_rows": str(10 + slave)}
            for slave in range(config.slaves)
        }
        stands = RunState(run, "finished", config, rounds, "", "", 0, "", None)
        return RunRecord(
            replace(stands, **(state or {})),
            dict(sorted(history.items())),
            facts if told is None else told,
        )

    return make


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def of(record, name):
    return [e[name] for k, e in record.history.items() if k.kind == "evaluate"]


def curve(axes, number):
    """Return x and y of a run's line; each run has a line, then a ring."""
    line = axes.lines[2 * number]
    return line.get_xdata().tolist(), line.get_ydata().tolist()


def test_curves_are_the_history(make):
    record = make()
    axes = panels(figure_of([record]))
    assert set(axes) == {"score", "loss", "slaves", "confusion 0"}
    assert curve(axes["score"], 0) == ([1, 2, 3, 4], of(record, "accuracy"))
    assert curve(axes["loss"], 0) == ([1, 2, 3, 4], of(record, "log_loss"))


def test_trees_have_bars_of_what_columns_gain(make):
    of_columns = [
        {"column": "size", "gain": 0.75, "splits": 12},
        {"column": "age", "gain": 0.25, "splits": 30},
    ]
    axes = panels(figure_of([replace(make(), importance=of_columns), make("1b2c3d4e")]))
    assert {"confusion 1", "importance"} <= set(axes)
    bars = axes["importance"]
    assert [bar.get_width() for bar in bars.patches] == [0.75, 0.25]
    assert [label.get_text() for label in bars.get_yticklabels()] == ["size", "age"]
    assert [text.get_text() for text in bars.texts] == [" 12", " 30"]


def test_a_ring_is_around_the_round_that_the_run_stands_for(make):
    record = make(patience=1, state={"best": 2})
    figure = figure_of([record])
    ring = panels(figure)["score"].lines[1]
    assert (ring.get_xdata(), ring.get_ydata()) == ([2], of(record, "accuracy")[1:2])
    accuracy, loss = of(record, "accuracy")[1], of(record, "log_loss")[1]
    assert figure.get_suptitle() == (
        "run 0a1b2c3d fedavg, 3 slaves of pets-3-0123abcd\n"
        f"round 2: accuracy {accuracy:.2%}, log loss {loss:.4f}"
    )


def test_the_newest_test_stands_in_for_one_that_is_not_done(make):
    record = make(state={"round": 5})
    assert "round 4: accuracy" in figure_of([record]).get_suptitle()


def test_dots_are_slaves(make):
    told = {
        "0": {"accuracy": "0.25", "test_rows": "10"},
        "1": {"accuracy": "0.75", "test_rows": "20"},
        "2": {"accuracy": "lies", "test_rows": "20"},
        "3": {"accuracy": "0.5", "test_rows": "0"},
        "4": {"accuracy": "0.5", "test_rows": "inf"},
        "5": {},
    }
    axes = panels(figure_of([make(told=told)]))["slaves"]
    (dots,) = axes.collections
    assert dots.get_offsets()[:, 0].tolist() == [0.25, 0.75]
    small, large = dots.get_sizes()
    assert small < large


@pytest.mark.parametrize(("threshold", "why"), [(0.0, "not told"), (0.67, "masked")])
def test_slaves_that_have_told_nothing(make, threshold, why):
    axes = panels(figure_of([make(told={"0": {}}, threshold=threshold)]))["slaves"]
    assert not axes.collections
    assert [text.get_text() for text in axes.texts] == [why]


def test_shares_and_counts_of_classes(make):
    record = make(rounds=1)
    counts = [[6, 2, 0], [1, 3, 0], [0, 0, 0]]
    record.history[RoundName("evaluate", 1)]["confusion"] = counts
    axes = panels(figure_of([record]))["confusion 0"]
    (image,) = axes.images
    np.testing.assert_allclose(image.get_array(), [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0, 0]])
    written = [text.get_text() for text in axes.texts]
    assert written[:4] == ["75%\n6", "25%\n2", "0%\n0", "25%\n1"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(CLASSES)


@pytest.mark.parametrize(
    ("runs", "matrices"), [(1, 1), (2, 2), (3, 3), (4, 1)], ids=lambda value: str(value)
)
def test_how_many_matrices(make, runs, matrices):
    records = [make(f"run{number}") for number in range(runs)]
    found = panels(figure_of(records))
    assert sum(name.startswith("confusion") for name in found) == matrices
    assert found["confusion 0"].get_title(loc="left").startswith("run0, round 4")


def test_a_legend_names_runs_and_strategies(make):
    records = [
        make("aa", strategy="fedprox", options={"mu": "0.1"}),
        make("bb", strategy="newton", rounds=2, names=("x", "y", "z")),
    ]
    figure = figure_of(records)
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "2 runs of pets-3-0123abcd"
    first, second = (text.get_text() for text in legend.get_texts())
    assert first.startswith("aa fedprox mu=0.1, round 4: accuracy ")
    assert second.startswith("bb newton, round 2: accuracy ")
    axes = panels(figure)
    assert curve(axes["score"], 1) == ([1, 2], of(records[1], "accuracy"))
    assert axes["score"].lines[2].get_color() == COLOURS[1]
    assert [tick.get_text() for tick in axes["slaves"].get_yticklabels()] == ["aa", "bb"]


def test_runs_with_other_slaves_and_data(make):
    records = [make("aa"), make("bb", dataset="pets-2", slaves=2)]
    (legend,) = figure_of(records).legends
    assert legend.get_title().get_text() == "2 runs"
    assert [text.get_text().partition(", round")[0] for text in legend.get_texts()] == [
        *("aa fedavg, 3 slaves", "bb fedavg, 2 slaves"),
    ]


def test_more_runs_than_colours_differ_by_their_dashes(make):
    figure = figure_of([make(f"run{number}") for number in range(9)])
    lines = panels(figure)["score"].lines[::2]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 9


def test_numbers(make):
    record = make(classes=(), model="linear")
    axes = panels(figure_of([record]))
    assert set(axes) == {"score", "loss", "slaves"}
    assert curve(axes["score"], 0) == ([1, 2, 3, 4], of(record, "r2"))
    assert curve(axes["loss"], 0) == ([1, 2, 3, 4], of(record, "mse"))
    assert axes["loss"].get_title(loc="left").startswith("mse on held-out")


@pytest.mark.parametrize("count", [2, 12, 100])
def test_classes_of_any_name_and_number(make, tmp_path, count):
    strange = ["$\\no$", "$", "_b", "c" * 99, "北", ""]
    record = make(classes=tuple(f"{strange[i % 6]}{i}" for i in range(count)), rounds=1)
    save(figure_of([record, record]), tmp_path / "x.png")
    axes = panels(figure_of([record]))["confusion 0"]
    # A matrix with a number in every cell that counts, or the most frequent mistakes.
    assert len(axes.texts) == (
        15 if count == 100 else np.count_nonzero(axes.images[0].get_array())
    )
    assert (tmp_path / "x.png").stat().st_size > 10_000


def test_a_single_round(make, tmp_path):
    save(figure_of([make(rounds=1)]), tmp_path / "x.png")
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.parametrize("classes", [CLASSES, tuple(map(str, range(40)))])
def test_a_test_in_which_nobody_held_out_rows_has_an_empty_matrix(make, tmp_path, classes):
    record = make(classes=classes)
    record.history[RoundName("evaluate", 4)] = dict.fromkeys(("accuracy", "log_loss", "confusion"))
    figure = figure_of([record])
    save(figure, tmp_path / "a.png")
    shown = [text.get_text() for text in panels(figure)["confusion 0"].texts]
    assert set(shown) == ({"0%\n0"} if classes == CLASSES else set())
