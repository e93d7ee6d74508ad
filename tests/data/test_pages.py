# ruff: noqa: RUF001 - letters of other alphabets are what this is about.
"""Tables of names in code pages: read if they are Western Europe's, else refused with a remedy."""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING

import pytest

from fedredis.data.reading import Reading
from fedredis.data.source import load
from fedredis.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

#: Names, places and words of hospitals, by language; and the pages that programs write there.
WEST = {
    "German": "Müller Jäger Süd Köln Straße männlich Größe Übung Ärzte Österreich gestört früh",
    "French": "Hélène François décès âgé sévère fièvre Créteil Orléans hôpital opéré guéri légère",
    "Spanish": "Muñoz Peña García España mañana sí corazón crónico médico Córdoba niño presión",
    "Portuguese": "João São coração pressão não mudança crônico Gonçalves irmã Araújo lesão mão",
    "Swedish": "Göteborg Malmö Sjöberg Åkesson män hjärta måttlig Växjö Jönsson sår låg hög",
    "Danish": "Ærø Sørensen Kjær Århus Møller København mænd blå født årlig Nørgaard åben",
}
ELSEWHERE = {
    "Polish": "Łódź Gdańsk Poznań Wójcik żółty mężczyzna wątroba ciśnienie Dąbrowski łagodny płeć",
    "Czech": "Dvořák Plzeň Jiří žena muž Černý těžký běžný srdeční příjem věk Růžička",
    "Hungarian": "nő férfi Győr szülő belső Erdős fertőző légző gyűrű súlyos vérnyomás szűrés",
    "Russian": "Москва Иванов мужчина здоров болен северный отделение исход возраст Ольга",
    "Greek": "Αθήνα Γιώργος γυναίκα άνδρας υγιής ασθενής Θεσσαλονίκη ηλικία βαριά ήπια",
    "Turkish": "İstanbul Beşiktaş kadın sağlıklı ağır Çağlar yaş doğum İzmir kızıl Şahin",
}
PAGES = {
    **dict.fromkeys(WEST, ("mac-roman", "cp437", "cp850")),
    **dict.fromkeys(("Polish", "Czech", "Hungarian"), ("cp1250", "iso8859-2", "cp852")),
    "Russian": ("cp1251", "koi8-r", "cp866", "iso8859-5"),
    "Greek": ("cp1253", "iso8859-7"),
    "Turkish": ("cp1254", "iso8859-9"),
}
NAMES = WEST | ELSEWHERE


def table(names: list[str]) -> str:
    rows = "".join(f"{i};{name};{i % 2}\n" for i, name in enumerate(names * 6))
    return f"n;name;y\n{rows}"


def classes(path: Path, **how: str) -> set[str]:
    return {*load(path, Reading(label="name", columns=["n"], **how)).classes}  # type: ignore[arg-type]


def some(language: str, page: str, count: int, draw: int) -> list[str]:
    """Draw names of which a page has all letters."""
    words = NAMES[language].split()
    words = [w for w in words if not w.isascii() and w.encode(page, "ignore").decode(page) == w]
    return random.Random(draw).sample(words, min(count, len(words)))


@pytest.mark.parametrize("language", WEST)
@pytest.mark.parametrize("count", [2, 4, 10])
def test_names_of_western_europe_need_no_hint(tmp_path, language, count):
    path = tmp_path / "a.csv"
    for page, draw in product(("cp1252", "iso8859-1"), range(3)):
        names = some(language, page, count, draw)
        path.write_bytes(table(names).encode(page))
        assert classes(path) == {*names}


@pytest.mark.parametrize(("language", "page"), [(n, p) for n, ps in PAGES.items() for p in ps])
def test_names_in_other_pages_are_refused_or_right(tmp_path, language, page):
    """Some read alike in both: Černý's colleague Šimáček in Czech, and Müller anywhere."""
    path, refused = tmp_path / "a.csv", 0
    for count, draw in product((3, 6, 10), range(4)):
        names = some(language, page, count, draw)
        path.write_bytes(table(names).encode(page))
        try:
            found, why = classes(path), ""
        except DataError as error:
            found, why = {*names}, str(error)
        assert found == {*names}
        assert not why or "not clearly of another encoding: `encoding` says which" in why
        refused += bool(why)
        assert classes(path, encoding=page) == {*names}
    assert refused >= 10


@pytest.mark.parametrize(
    ("language", "page"),
    [("Polish", "cp1250"), ("Russian", "cp1251"), ("Greek", "cp1253"), ("Turkish", "cp1254")],
)
def test_the_line_shows_a_word_as_it_is_meant(tmp_path, language, page):
    path = tmp_path / "a.csv"
    path.write_bytes(table(NAMES[language].split()).encode(page))
    with pytest.raises(DataError) as refused:
        classes(path)
    assert refused.value.row is not None
    meant = NAMES[language].split()[(refused.value.row - 2) % len(NAMES[language].split())]
    assert f"({meant!r} in {page}" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["12 € (5 m²)", "38 °C, µmol/l", "„home“", "l’hôpital", "patient’s", "n° 5"],
)
def test_signs_are_no_words(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(table([text, "x"]).encode("cp1252"))
    assert classes(path) == {text, "x"}
