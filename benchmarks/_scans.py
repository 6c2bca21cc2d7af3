"""Scanned pages for `ocr.py`: written text, drawn, and made worse as paper and scanners do."""

from __future__ import annotations

import io
import random
import textwrap
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from magicfs.text.extract.pdf.pdf_text import PdfFile

WIDTH, HEIGHT = 595, 842
"""A4, in points."""
MARGIN = 50
DPI = 200

ENGLISH = """The lighthouse keeper writes the weather into a book every morning before breakfast.
On Tuesday the wind came from the north and brought small dry snow over the harbour.
Two fishing boats stayed at the quay because their engines would not start in the cold.
A letter from the insurance company asks for the invoice of the new kitchen window.
The committee agreed to repair the roof of the village school before the next winter.
Please return the signed contract together with a copy of your identity card.
My grandmother kept the recipe for quince jelly between two pages of an old atlas.
The museum opens at ten and closes at five, except on Mondays and on public holidays.
Thirty kilograms of potatoes were delivered in the afternoon and stored in the cellar.
Our neighbour plays the cello so softly that the cat sleeps through whole concerts.
The bridge was measured again after the flood, and one pillar had moved by a finger.
Every traveller receives a ticket with a number, a seat and the name of the ship.
The gardener planted seven pear trees along the wall that faces the morning sun.
Without a receipt the shop cannot exchange the shoes, however little they were worn.
The annual report lists the income of the society and thanks its many volunteers.
Clean the filter once a month with warm water, and let it dry before you put it back.
The judge postponed the hearing because an important witness had missed the train.
A thin layer of beeswax protects the table from spilled wine and from hot cups.
The library lends maps, games and musical instruments for a period of four weeks.
Nobody could explain why the clock in the tower stopped at twenty past three.""".splitlines()

GERMAN = """Der Leuchtturmwärter schreibt jeden Morgen vor dem Frühstück das Wetter in ein Buch.
Am Dienstag kam der Wind aus Norden und brachte feinen trockenen Schnee über den Hafen.
Zwei Fischerboote blieben am Kai, weil ihre Motoren in der Kälte nicht ansprangen.
Ein Brief der Versicherung bittet um die Rechnung für das neue Küchenfenster.
Der Ausschuss beschloss, das Dach der Dorfschule noch vor dem Winter auszubessern.
Bitte senden Sie den unterschriebenen Vertrag mit einer Kopie Ihres Ausweises zurück.
Meine Großmutter verwahrte das Rezept für Quittengelee zwischen zwei Seiten im Atlas.
Das Museum öffnet um zehn und schließt um fünf, außer montags und an Feiertagen.
Dreißig Kilogramm Kartoffeln wurden am Nachmittag geliefert und im Keller gelagert.
Unsere Nachbarin spielt so leise Cello, dass die Katze ganze Konzerte verschläft.
Nach dem Hochwasser wurde die Brücke neu vermessen, ein Pfeiler war verschoben.
Jeder Reisende erhält eine Fahrkarte mit Nummer, Sitzplatz und Namen des Schiffes.
Der Gärtner pflanzte sieben Birnbäume an die Mauer, die nach Osten zeigt.
Ohne Quittung kann das Geschäft die Schuhe nicht umtauschen, auch ungetragene nicht.
Der Jahresbericht nennt die Einkünfte des Vereins und dankt den vielen Helfern.
Reinigen Sie den Filter monatlich mit warmem Wasser und lassen Sie ihn trocknen.
Die Richterin verschob die Anhörung, weil ein wichtiger Zeuge den Zug verpasst hatte.
Eine dünne Schicht Bienenwachs schützt den Tisch vor Wein und vor heißen Tassen.
Die Bücherei verleiht Landkarten, Spiele und Instrumente für vier Wochen.
Niemand konnte erklären, warum die Turmuhr um zwanzig nach drei stehen blieb.""".splitlines()


@dataclass(frozen=True, slots=True)
class Page:
    """A scanned page as a PDF file, and the text that it shows."""

    name: str
    text: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Look:
    name: str
    points: int = 12
    columns: int = 1
    degrees: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    ink: int = 0
    """The grey of the letters: 0 is black."""


_LOOKS = (
    _Look("plain"),
    _Look("rotated", degrees=1.7, noise=6),
    _Look("noisy", noise=30, blur=0.8),
    _Look("two columns", points=10, columns=2, noise=6),
    _Look("small and faint", points=8, noise=10, blur=0.6, ink=120),
)


def scanned_pages(*, seed: int = 1) -> Iterator[Page]:
    """Ten pages: five looks, each in English and in German. Equal seeds give equal pages."""
    randomness = random.Random(seed)
    for language, sentences in (("English", ENGLISH), ("German", GERMAN)):
        for look in _LOOKS:
            text = " ".join(randomness.sample(sentences, len(sentences)))
            columns = _columns(text, look)
            picture = _worn(_drawn(_pdf_of_text(columns, look)), look, seed=randomness.randrange(2**31))
            shown = "\n".join("\n".join(lines) for lines in columns)
            yield Page(f"{language}, {look.name}", shown, _pdf_of_picture(picture))


def _columns(text: str, look: _Look) -> list[list[str]]:
    """The lines of each column."""
    width = (WIDTH - 2 * MARGIN) / look.columns - (20 if look.columns > 1 else 0)
    lines = textwrap.wrap(text, width=int(width / (look.points * 0.5)), break_on_hyphens=False)
    height = -(-len(lines) // look.columns)
    return [lines[start : start + height] for start in range(0, len(lines), height)]


def _pdf_of_text(columns: Sequence[Sequence[str]], look: _Look) -> bytes:
    drawing = []
    for number, lines in enumerate(columns):
        x = MARGIN + number * ((WIDTH - 2 * MARGIN) / look.columns + 10)
        shown = b" ".join(b"(%s) Tj T*" % line.encode("cp1252") for line in lines)
        drawing.append(
            b"BT /F %d Tf %d TL %d %d Td %s ET"
            % (look.points, round(look.points * 1.3), x, HEIGHT - MARGIN - look.points, shown)
        )
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman/Encoding/WinAnsiEncoding>>"
    return _pdf(b"/Font<</F 5 0 R>>", b" ".join(drawing), font)


def _pdf_of_picture(picture: Image.Image) -> bytes:
    shape = b"/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode" % picture.size
    image = _stream(b"/Type/XObject/Subtype/Image" + shape, zlib.compress(picture.tobytes()))
    return _pdf(b"/XObject<</I 5 0 R>>", b"q %d 0 0 %d 0 0 cm /I Do Q" % (WIDTH, HEIGHT), image)


def _pdf(resources: bytes, drawing: bytes, resource: bytes) -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<<%s>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page % (WIDTH, HEIGHT, resources),
        _stream(b"", drawing),
        resource,
    ]
    body = b"".join(b"%d 0 obj%s endobj\n" % item for item in enumerate(objects, start=1))
    return b"%PDF-1.5\n" + body + b"trailer<</Root 1 0 R>>\n"


def _stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data), dictionary, data)


def _drawn(pdf: bytes) -> Image.Image:
    with PdfFile(pdf) as file:
        return Image.open(io.BytesIO(file.draw(0, dpi=DPI, max_pixels=20 * DPI))).convert("L")


def _worn(picture: Image.Image, look: _Look, *, seed: int) -> Image.Image:
    """The page as a scanner sees it: faint, askew, out of focus, with noise."""
    picture = picture.point([look.ink + value * (255 - look.ink) // 255 for value in range(256)])
    picture = picture.rotate(look.degrees, Image.Resampling.BICUBIC, fillcolor=255)
    picture = picture.filter(ImageFilter.GaussianBlur(look.blur))
    noise = np.random.default_rng(seed).normal(0, look.noise, (picture.height, picture.width))
    return Image.fromarray(np.clip(np.asarray(picture) - 10 + noise, 0, 255).astype(np.uint8))
