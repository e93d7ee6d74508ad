import logging
import warnings

import pytest

import fedredis
from fedredis.api import saying
from fedredis.api.request import Request
from fedredis.errors import WaitTimeoutError

LINE = "waiting for 2 of 2 slaves: 0, 1"


@pytest.mark.parametrize(
    ("url", "asked", "why"),
    [
        (None, {"workers": 0}, "`workers` is 0"),
        (None, {"names": ("a", "b")}, "they bring their own files"),
        ("redis://h", {"workers": 0}, None),
    ],
)
def test_who_waits_for_nobody_is_warned_once(caplog, url, asked, why):
    caplog.set_level(logging.INFO)
    request = Request.of(None, url, "here", {"wait_timeout": 90, **asked})
    times = [0.0, 1.0, saying.SOON, saying.SOON]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        say = saying.aloud(request, lambda: times.pop(0))
        for _ in range(3):
            say(LINE)
    assert [record.message for record in caplog.records] == [LINE] * 3
    assert [str(one.message) for one in warned] == [
        f"{LINE}, for 90 s at most; none is started here, since {why}: `fedredis.serving` or "
        "`fedredis slave` starts some, with `home` 'here'"
    ] * bool(why)


def test_a_run_without_workers(monkeypatch, csv, folder):
    monkeypatch.setattr(saying, "SOON", 0.0)
    with (
        pytest.warns(
            UserWarning, match=r"since `workers` is 0: `fedredis.serving` or `fed"
        ) as told,
        pytest.raises(WaitTimeoutError, match=r"2 of 2 slaves of .* did not come"),
    ):
        fedredis.run(csv, slaves=2, workers=0, wait_timeout=0.1)
    assert len(told) == 1
