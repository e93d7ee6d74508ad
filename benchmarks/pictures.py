"""Draw the page for `docs/`: ``python -m benchmarks.pictures [SONGS]``, with Chromium.

It trains runs of every kind on the songs of six decades, or on generated ones, in a folder of its
own, serves the page, and photographs it, in light and in dark.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

import fedredis
from fedredis.cli.web import FEDREDIS
from fedredis.web.serving import server

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
#: Width and height of a picture, by kind, in CSS pixels.
SIZES = {"wide": (1120, 780), "phone": (390, 780)}
#: What is photographed: a picture's name, path, kind, scheme.
SHOTS = (
    ("runs", "/", "wide", "light"),
    ("run", "/runs/songs", "wide", "light"),
    ("run-dark", "/runs/seventy", "wide", "dark"),
    ("failed", "/runs/strict", "wide", "light"),
    ("compare", "/compare?run=songs&run=newton&run=scaffold", "wide", "dark"),
    ("predict", "/predict?run=songs&song=SONG", "wide", "light"),
    ("predict-phone", "/predict?run=songs&song=SONG", "phone", "dark"),
)


def train(home: Path, songs: Path | None) -> None:
    """Make the runs."""
    how: dict[str, Any] = {"home": home, "workers": 2}
    uneven = {**how, "slaves": 10, "by": "dirichlet:0.1"}
    fedredis.run(songs, id="songs", slaves=10, rounds=20, **how)
    fedredis.run(songs, id="newton", strategy="newton", **uneven)
    fedredis.run(songs, id="scaffold", strategy="scaffold", rounds=20, **uneven)
    fedredis.run(songs, id="seventy", slaves=70, rounds=200, **how)
    with suppress(fedredis.FedredisError):
        fedredis.run(songs, id="strict", slaves=4, rounds=20, max_norm=0.001, **how)
    fedredis.run(songs, id="masked", slaves=10, rounds=5, threshold=0.67, **how)


def photograph(address: str, song: str) -> None:
    """Write all pictures."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, path, kind, scheme in SHOTS:
            width, height = SIZES[kind]
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page.goto(address.rstrip("/") + path.replace("SONG", song.replace(" ", "+")))
            picture = IMAGES / f"web-{name}.png"
            page.screenshot(path=picture)
            # Few colours are in it: a third of the bytes.
            Image.open(picture).quantize(128).save(picture, optimize=True)
            print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
            page.close()
        browser.close()


def main() -> None:
    """Train, serve, photograph."""
    songs = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        how: dict[str, Any] = {"redis_url": None, "home": home, "host": "127.0.0.1", "port": 0}
        with server(**how, secret="", command=FEDREDIS) as page, page.beside():
            train(home, songs)
            photograph(
                page.address, "Yesterday&artist=The+Beatles" if songs else "Synthetic Song 000001"
            )


if __name__ == "__main__":
    main()
