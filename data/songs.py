"""The song task: eleven audio features, six decades, three eras."""

from __future__ import annotations

from fedredis.data.reading import Reading
from fedredis.features.protocol import Column

#: Loudness is in dB, tempo in beats a minute, key counts semitones from C, mode is 1 in major;
#: the rest are shares. The ranges bound histograms; a song outside them is read all the same.
FEATURES: tuple[Column, ...] = (
    Column("danceability", 0, 1),
    Column("energy", 0, 1),
    Column("key", 0, 11),
    Column("loudness", -60, 5),
    Column("mode", 0, 1),
    Column("speechiness", 0, 1),
    Column("acousticness", 0, 1),
    Column("instrumentalness", 0, 1),
    Column("liveness", 0, 1),
    Column("valence", 0, 1),
    Column("tempo", 0, 250),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)

#: Features that count from 0, and how many values they have; the others measure.
COUNTS: dict[str, int] = {"key": 12, "mode": 2}

#: The classes, always all three, whichever of them a file holds.
ERAS: tuple[str, ...] = ("X-Generation", "Y-Generation", "Z-Generation")

#: Decades in order, each with its era.
ERA_OF: dict[str, str] = {
    "60s": ERAS[0],
    "70s": ERAS[0],
    "80s": ERAS[1],
    "90s": ERAS[1],
    "00s": ERAS[2],
    "10s": ERAS[2],
}

#: The column that holds the era.
LABEL = "decade"

#: How songs are read.
SONGS = Reading(label=LABEL, task="classify")
