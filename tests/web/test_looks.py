"""Every page in every state: for everybody, on a phone too, in light and in dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

import fedredis

#: Pages of the home with runs of every kind.
PAGES = ("/", "/runs/songs", "/runs/failed", "ASKED", "/compare?run=songs&run=failed")
PAGES += ("/start", "/predict?run=songs&song=Synthetic+Song+000001", "/runs/nobody")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
}


def faults(page: Any) -> list[str]:
    """List what axe finds that keeps people from using a page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("look", LOOKS)
def test_everybody_can_use_every_page(opened, address, world, look):
    (asked,) = [s.run for s in fedredis.runs(home=world.home) if s.config.analysis]
    page = opened(address, **LOOKS[look], bypass_csp=True)
    for path in PAGES:
        if path == "/runs/nobody":
            continue
        page.goto(address + path.replace("ASKED", f"/runs/{asked}"))
        assert faults(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path


def test_a_home_where_nothing_is_yet(opened, serving, tmp_path):
    with serving(tmp_path, secret="a long password") as address:
        page = opened(address, bypass_csp=True)
        assert faults(page) == []
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Nothing has been trained yet").wait_for()
        assert faults(page) == []
        page.get_by_role("link", name="Predict").click()
        page.get_by_role("heading", name="There is no model yet").wait_for()
        assert faults(page) == []
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Password").wait_for()


def test_a_keyboard_does(opened, address):
    page = opened(f"{address}/runs/songs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    chart = page.get_by_role("img", name="Accuracy by round").first
    chart.focus()
    page.keyboard.press("ArrowLeft")
    read = page.locator("figure", has=chart).locator(".read")
    assert read.inner_text().startswith("1: ")
    page.keyboard.press("ArrowRight")
    assert read.inner_text().startswith("2: ")
    assert read.inner_text().endswith("%")
