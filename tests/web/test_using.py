"""What people do on the page: start, watch, stop, go on, delete, compare, predict."""

from __future__ import annotations

import csv
import re

from playwright.sync_api import expect
from rq import Queue
from rq.serializers import JSONSerializer

import fedredis
from tests.fedredis.web.conftest import IMAGE, SCRIPT, SECRET


def badge(page, status: str) -> None:
    """Wait until the run's page says how it stands."""
    expect(page.locator(".head .badge")).to_have_text(status, timeout=60_000)


def test_the_life_of_a_run(opened, serving, tmp_path):
    with serving(tmp_path) as address:
        page = opened(address)
        page.get_by_role("link", name="Start the first run").click()
        for name, value in {"slaves": "2", "rounds": "4000", "workers": "1", "id": "live"}.items():
            page.get_by_label(name, exact=True).fill(value)
        page.get_by_label("features", exact=True).select_option("plain")
        page.get_by_role("button", name="Start").click()
        # By itself from here on: nobody loads anything anew.
        badge(page, "running")
        page.evaluate("window.here = true")
        rounds = page.locator("dl.figures div", has_text="rounds").locator("dd").first
        told = [rounds.inner_text()]
        for _ in range(2):
            expect(rounds).not_to_have_text(told[-1])
            told.append(rounds.inner_text())
        done = [int(re.match(r"([\d,]+) of 4000", text)[1].replace(",", "")) for text in told]  # type: ignore[index]
        assert done[0] < done[1] < done[2]
        page.get_by_role("img", name="Accuracy by round").wait_for()
        assert page.evaluate("window.here")
        # The list goes on, too.
        other = opened(address)
        listed = other.locator("tbody tr").first
        seen = listed.inner_text()
        expect(listed).not_to_have_text(seen)
        page.get_by_role("button", name="Stop").click()
        badge(page, "stopped")
        expect(page.locator(".note")).to_have_text("Run live is stopped.")
        expect(page.get_by_text("asked to stop", exact=False).first).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        badge(page, "running")
        page.get_by_role("button", name="Stop").click()
        badge(page, "stopped")
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.get_by_role("button", name="Delete").click()
        badge(page, "stopped")
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("heading", name="Nothing has been trained yet").wait_for()
        assert fedredis.runs(home=tmp_path) == []


def test_a_run_that_does_not_start_says_why(opened, serving, tmp_path):
    with serving(tmp_path) as address:
        page = opened(f"{address}/start")
        page.get_by_label("data", exact=True).fill("/nowhere/songs.csv")
        page.get_by_label("id", exact=True).fill("never")
        page.get_by_role("button", name="Start").click()
        page.get_by_role("heading", name="It did not start").wait_for()
        expect(page.locator("pre")).to_contain_text("/nowhere/songs.csv")


def test_chosen_runs_are_compared(opened, address):
    page = opened(address)
    for run in ("songs", "failed"):
        page.get_by_label(f"Compare {run}").check()
    page.get_by_role("button", name="Compare chosen runs").click()
    page.get_by_role("heading", name="Compare").wait_for()
    assert page.locator("tbody tr").count() == 2


def test_a_failure_is_seen_first(opened, address):
    page = opened(f"{address}/runs/failed")
    box = page.get_by_role("heading", name="What went wrong").bounding_box()
    assert box
    assert box["y"] < page.viewport_size["height"] / 3
    assert page.get_by_text("away from the global model").first.is_visible()


def test_a_song_is_suggested_and_its_era_told(opened, address):
    page = opened(f"{address}/predict?run=songs")
    box = page.get_by_role("combobox", name="Song")
    box.press_sequentially("script")
    expect(page.locator("#suggestions li")).to_have_text([SCRIPT])
    box.press("ArrowDown")
    box.press("Enter")
    result = page.locator("#result")
    expect(result.locator(".of")).to_have_text(SCRIPT)
    expect(result).to_contain_text("In truth: ")
    shares = result.locator("meter")
    assert sum(float(m.get_attribute("value") or 0) for m in shares.all()) > 0.99
    # A name that several share, and one that nobody has.
    box.fill("Synthetic Song 00000")
    expect(page.locator("#suggestions li")).to_have_count(9)
    page.locator("#suggestions li").first.click()
    expect(result.locator(".of")).to_have_text(re.compile("Synthetic Song 00000"))
    box.fill("nobody's")
    page.get_by_role("button", name="Predict").first.click()
    expect(result.get_by_role("alert")).to_contain_text("there is no song named")


def test_a_slider_answers_at_once(opened, address, world):
    page = opened(f"{address}/predict?run=songs")
    result = page.locator("#result")
    slider = page.get_by_label(IMAGE)
    slider.focus()
    slider.press("End")
    result.locator("meter").first.wait_for()
    columns = [c.name for c in fedredis.show("songs", home=world.home).state.config.columns]
    values = {n: float(page.get_by_label(n, exact=True).input_value()) for n in columns}
    told = fedredis.predict("songs", values=values, home=world.home)
    expect(result.locator(".answer-class")).to_have_text(str(told.answer))
    before = result.inner_text()
    slider.press("Home")
    expect(result).not_to_have_text(before)


def test_a_file_comes_back_with_answers(opened, address, world, tmp_path):
    page = opened(f"{address}/predict?run=songs")
    page.locator("#file").set_input_files(world.csv)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Predict all").click()
    waiting.value.save_as(tmp_path / "back.csv")
    fedredis.predict_rows(world.csv, "songs", out=tmp_path / "own.csv", home=world.home)
    assert (tmp_path / "back.csv").read_bytes() == (tmp_path / "own.csv").read_bytes()
    with (tmp_path / "back.csv").open() as file:
        assert next(csv.DictReader(file))["name"] == SCRIPT


def test_what_jobs_say_is_text(opened, world, serving):
    """rq-dashboard writes descriptions as they come; here they are text, behind the login."""
    with world.site() as site, serving(world.home, secret=SECRET) as address:
        queue = Queue(SCRIPT, connection=site.client, serializer=JSONSerializer)
        other = Queue("other", connection=site.client, serializer=JSONSerializer)
        bad = other.enqueue_call("os.getcwd", description=SCRIPT + IMAGE)
        queue.enqueue_call("os.getcwd", description=IMAGE)
        page = opened(f"{address}/rq/")
        page.get_by_label("Password").fill(SECRET)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("cell", name=SCRIPT)).to_be_visible()
        page.goto(f"{address}/rq/0/view/jobs/other/queued/8/asc/1")
        expect(page.get_by_text(SCRIPT + IMAGE)).to_be_visible()
        page.goto(f"{address}/rq/0/view/job/{bad.id}")
        expect(page.get_by_text(SCRIPT + IMAGE)).to_be_visible()
        # With the token of this page, what it can do is done.
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Yes").click()
        expect(page).to_have_url(f"{address}/rq/")
        assert other.count == 0
        queue.delete(delete_jobs=True)
        page.goto(f"{address}/rq/0/view/workers")
        expect(page.get_by_text("No workers")).to_be_visible()
