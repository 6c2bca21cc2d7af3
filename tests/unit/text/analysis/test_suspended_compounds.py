"""A compound whose last part stands once for several is found whole."""

from __future__ import annotations

import time

import pytest

from magicfs.text.analysis.suspended_compounds import suspended_compounds
from tests.unit.text.analysis.vectors import missed


@pytest.mark.parametrize(
    ("written", "typed", "language"),
    [
        ("Angaben zu Vor- und Nachname", "Vorname Nachname", "de"),
        ("der Haus- und Grundbesitz", "Hausbesitz", "de"),
        ("Ein-, Aus- und Umbau der Küche", "Einbau Ausbau", "de"),
        ("Ein- und\nAusgang", "Eingang", "de"),
        ("Arbeits- bzw. Ruhezeiten", "Arbeitszeiten", "de"),
        ("de in- en uitgang", "ingang", "nl"),
        ("in- och utloggning", "inloggning", "sv"),
        ("pre- and post-war houses", "pre-war prewar", "en"),
        ("two- and three-bedroom flats", "two-bedroom", "en"),
    ],
)
def test_the_word_for_a_part_with_a_hyphen_is_found(written: str, typed: str, language: str) -> None:
    assert missed(written, typed, language=language) == []


@pytest.mark.parametrize("text", ["a - b and c", "x- und y", "well-known and loved", "- und Ausgang", "mo- di- mi-"])
def test_other_hyphens_suspend_nothing(text: str) -> None:
    assert suspended_compounds(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Vor- und Nachteile", ["Vorteile", "Voreile"]),
        ("Haupt- und Zweigstelle", ["Hauptstelle", "Haupttelle", "Hauptelle"]),
        ("Straf- und Zivilrecht", ["Strafvilrecht", "Strafilrecht", "Strafrecht", "Strafecht"]),
        ("in- en uitgang", ["ingang", "inang"]),
    ],
)
def test_a_part_begins_where_a_word_can(text: str, found: list[str]) -> None:
    assert suspended_compounds(text) == found


@pytest.mark.parametrize("piece", ["ab- und ", "ab-, ", "ab- ", "ab- und Ausgang "])
def test_a_text_of_nothing_else_takes_no_time(piece: str) -> None:
    began = time.process_time()
    suspended_compounds(piece * 20_000)
    assert time.process_time() - began < 5
