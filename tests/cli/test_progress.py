"""What a run shows of itself: a bar that gets to its end, or a few lines."""

import io
import re
from dataclasses import replace

import pytest

from fedredis.cli.door import Door
from fedredis.cli.progress import RunProgress
from fedredis.config import RunConfig
from fedredis.keys import RoundName
from fedredis.store.runs import RunState


@pytest.fixture
def shown(monkeypatch, capsys):
    """Return a function that goes through rounds, and returns what was shown of them."""

    def shown(done, rounds, *, terminal=False, width=80, figure=0.5):
        monkeypatch.setenv("COLUMNS", str(width))
        console = Door(stderr=True)
        console._force_terminal, console.file = terminal, io.StringIO()
        config = RunConfig("pets", (), ("[/b]", "b"), slaves=2, rows=9, rounds=rounds)
        state = RunState("r1", "running", config, 0, "", "", 0, "", None)
        with RunProgress(console, state, lambda: state) as progress:
            for number in range(1, done + 1):
                progress(RoundName("train", number), {})
                progress(RoundName("evaluate", number), {"accuracy": figure})
        return capsys.readouterr().err, console.file.getvalue()

    return shown


@pytest.mark.parametrize(("done", "rounds", "lines"), [(20, 20, 9), (7, 20, 3), (3, 3, 2)])
def test_without_a_terminal(shown, done, rounds, lines):
    err, bar = shown(done, rounds)
    said = err.splitlines()
    assert len(said) == lines
    assert re.fullmatch(rf"round \d+ of {rounds}: accuracy 50.00%", said[0])
    assert f"{done}/{done} accuracy 50.00%" in bar


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_terminal(shown, width):
    err, bar = shown(5, 20, terminal=True, width=width, figure=None)
    assert err == ""
    last = bar.splitlines()[-2]
    assert "5/5" in last
    assert "accuracy -" in last


@pytest.mark.parametrize("terminal", [True, False])
def test_what_goes_on_meanwhile_stands_above_the_bar(terminal, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    console = Door(stderr=True)
    console._force_terminal, console.file = terminal, io.StringIO()
    config = RunConfig("pets", (), ("a", "b"), slaves=2, rows=9, rounds=3)
    state = RunState("r1", "running", config, 0, "", "", 0, "", None)
    line = "train:1 waits for [/b]s0 (no worker), and for many others"
    with RunProgress(console, state, lambda: state) as progress:
        progress.say(line)
    bar, err = console.file.getvalue(), capsys.readouterr().err
    assert (line in bar, line in err) == (terminal, not terminal)


def test_what_a_run_is_at_stands_before_the_bar(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    console = Door(stderr=True)
    console._force_terminal, console.file = True, io.StringIO()
    config = RunConfig("pets", (), ("a", "b"), slaves=2, rows=9, rounds=3)
    states = [RunState("r1", "running", config, 0, "", "", 0, "", None)]
    with RunProgress(console, states[0], lambda: states[-1]) as progress:
        progress(RoundName("statistics", 1), {})
        assert progress._progress.tasks[0].description == "statistics"
        states.append(replace(states[0], model="model:0"))
        progress(RoundName("statistics", 2), {})
        assert progress._progress.tasks[0].description == "training"
    with RunProgress(console, states[1], lambda: states[-1]) as progress:
        assert progress._progress.tasks[0].description == "training"
