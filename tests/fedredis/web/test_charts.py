"""Where lines and bars go."""

import pytest

from fedredis.web import charts


def test_a_line_reaches_from_end_to_end():
    points = [(1.0, 0.5), (2.0, 0.75), (3.0, 0.6)]
    chart = charts.lines("A", [("a", points, 0)], unit=charts.PERCENT, x_title="round")
    assert chart is not None
    places = [tuple(map(float, pair.split(","))) for pair in chart.lines[0].points.split()]
    assert [x for x, _ in places] == [chart.left, (chart.left + chart.right) / 2, chart.right]
    # More is higher up, and all is between the edges.
    assert places[1][1] < places[2][1] < places[0][1]
    assert all(chart.top <= y <= chart.bottom for _, y in places)
    assert [tick.text for tick in chart.x_ticks] == ["1", "2", "3"]
    assert [tick.text for tick in chart.y_ticks] == ["50%", "55%", "60%", "65%", "70%", "75%"]
    assert chart.summary == "A: a from 50.00% to 60.00%"


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([0.6612, 0.6678], ["66.0%", "66.2%", "66.4%", "66.6%", "66.8%"]),
        ([0.5], ["45%", "46%", "47%", "48%", "49%", "50%", "51%", "52%", "53%", "54%", "55%"]),
        ([0.0], ["0%", "20%", "40%", "60%", "80%", "100%"]),
    ],
)
def test_marks_differ(values, marks):
    points = [(float(i), v) for i, v in enumerate(values, 1)]
    chart = charts.lines("A", [("a", points, 0)], unit=charts.PERCENT, x_title="round")
    assert chart is not None
    told = [tick.text for tick in chart.y_ticks]
    assert len(set(told)) == len(told)
    if len(values) > 1 or values == [0.0]:
        assert told == marks


def test_bars_stand_on_the_ground():
    values = [("0", 10.0), ("a name that is long", 20.0), ("2", 0.0)]
    chart = charts.bars("B", values, unit=charts.COUNT, x_title="slave", level=15.0)
    assert chart is not None
    assert {round(bar.y + bar.height, 2) for bar in chart.bars} == {chart.bottom}
    assert chart.bars[0].height == pytest.approx(chart.bars[1].height / 2)
    assert chart.bars[2].height == 0
    assert chart.bars[1].title == "a name that is long: 20"
    assert [tick.text for tick in chart.x_ticks] == ["0", "a nam…", "2"]
    assert chart.level
    assert chart.bars[1].y < chart.level.at < chart.bars[0].y


def test_nothing_to_draw():
    assert charts.lines("A", [("a", [], 0)], unit=charts.COUNT, x_title="") is None
    assert charts.bars("A", [], unit=charts.COUNT, x_title="") is None


def test_what_nobody_sees_is_left_out():
    points = [(float(i), 0.0) for i in range(100_000)]
    chart = charts.lines("A", [("a", points, 0)], unit=charts.COUNT, x_title="round")
    assert chart is not None
    kept = chart.lines[0].values
    assert len(kept) <= charts.MOST_POINTS + 1
    assert (kept[0], kept[-1]) == (points[0], points[-1])
