"""Encoded data is taken out of texts, and nothing else: what people read and search for stays, letter for letter."""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import textwrap
import uuid

import pytest

from magicfs.domain.contents import Document
from magicfs.text.encoded.shapes import shape_of
from magicfs.text.encoded.strip import strip_document, strip_encoded

RANDOM = random.Random(7)
BYTES = RANDOM.randbytes(3000)
BASE64 = base64.b64encode(BYTES).decode()
URL_SAFE = base64.urlsafe_b64encode(BYTES).decode().rstrip("=")
HEX = BYTES.hex()
WRAPPED = "\n".join(textwrap.wrap(BASE64, 76))


def armour(label: str, data: str) -> str:
    return "\n".join([f"-----BEGIN {label}-----", *textwrap.wrap(data, 64), f"-----END {label}-----"])


def pick(letters: str, count: int) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(count))


def rows_of(data: bytes) -> list[tuple[int, bytes, str]]:
    """The rows of a dump: address, bytes, and the bytes as letters."""
    rows = [(start, data[start : start + 16]) for start in range(0, len(data), 16)]
    return [(at, row, "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)) for at, row in rows]


ESCAPE = r"\\x\1"
PLACES = [(round(7 + RANDOM.random(), 6), round(50 + RANDOM.random(), 6)) for _ in range(40)]
ENCODED = {
    "data URL in Markdown": f"![photo](data:image/png;base64,{BASE64})",
    "data URL in CSS": f".a {{ background: url('data:font/woff2;charset=utf-8;base64,{BASE64}') }}",
    "data URL of several lines": f'<img src="data:image/jpeg;base64,{WRAPPED}">',
    "percent-encoded data URL": f"url(data:image/svg+xml,%3Csvg%20width=%2224%22%3E{'%3Cpath/%3E' * 20})",
    "drawing with blanks": f"""url("data:image/svg+xml,%3csvg xmlns='x' fill='none'%3e{"%3cpath/%3e" * 20}")""",
    "JSON string": json.dumps({"thumb": BASE64}),
    "JSON string with escaped lines": json.dumps({"image/png": WRAPPED + "\n"}),
    "JSON string with unescaped lines": json.dumps({"image/png": WRAPPED + "\n"}).replace("\\n", " "),
    "short run": BASE64[:140],
    "short URL-safe run": URL_SAFE[:140],
    "JSON string with escaped slashes": json.dumps({"thumb": BASE64}).replace("/", "\\/"),
    "URL-safe base64": f"token: {URL_SAFE}",
    "lines of MIME": WRAPPED,
    "lines between tags": f"<note><Signature>{WRAPPED[:-30]}</Signature></note>",
    "string of several lines": f'icon = """{WRAPPED}"""',
    "indented lines": textwrap.indent(WRAPPED, "    > "),
    "strings of Python, one a line": "\n".join(f'    b"{line}"' for line in textwrap.wrap(BASE64, 72)),
    "escapes, some a line": "\n".join(f'"{re.sub("(..)", ESCAPE, row.hex())}"' for _, row, _ in rows_of(BYTES)),
    "ways of a printer": "\n".join(f"G1 X{x} Y{y} E.0{at}\n;WIDTH:0.4" for at, (x, y) in enumerate(PLACES)),
    "points of a solid": "\n".join(f"v {x} {y} -1.5e-07\nf 1/2/3 2//3 3" for x, y in PLACES),
    "faces of a solid": "\n".join(f"facet normal 0 0 1\n  outer loop\n  vertex {x} {y} 1" for x, y in PLACES),
    "mesh of 3MF": "".join(f'<vertex x="{x}" y="{y}" z="-1e-3" />\n<triangle v1="0" v2="1"/>' for x, y in PLACES),
    "numbers of COLLADA": f'<float_array id="p" count="80">{" ".join(f"{x} -{y}" for x, y in PLACES)}</float_array>',
    "certificate": armour("CERTIFICATE", BASE64[:300]),
    "short key": armour("EC PRIVATE KEY", BASE64[:160]),
    "key of SSH": f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{BASE64[:340]} anna@host",
    "base64 of text": base64.b64encode(b"The quick brown fox jumps over the lazy dog. " * 9).decode(),
    "base64 of a picture with blank parts": base64.b64encode((b"\0" * 50 + BYTES[:100]) * 9).decode(),
    "program with long stretches of small numbers": base64.b64encode(
        b"".join(bytes([0, 1, 0, at % 9, 0, 0]) + BYTES[at : at + 2] for at in range(400))
    ).decode(),
    "hexadecimal number": f"modulus={HEX[:512]}",
    "text in hexadecimal UTF-16": "/DEU <FEFF" + ("Verwenden Sie diese " * 3).encode("utf-16-be").hex(),
    "hexadecimal lines": "\n".join(textwrap.wrap(HEX[:600], 60)),
    "hexdump -C": "\n".join(
        f"{at:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{letters}|" for at, row, letters in rows_of(BYTES[:250])
    ),
    "xxd": "\n".join(f"{at:08x}: {row.hex(' ', 2)}  {letters}" for at, row, letters in rows_of(BYTES[:250])),
    "od -x": "\n".join(f"{at:07o} {row.hex(' ', 2)}" for at, row, _ in rows_of(BYTES[:256])),
    "pairs with colons": "\n".join(f"        {BYTES[at : at + 15].hex(':')}:" for at in range(0, 150, 15)),
    "array of C": "unsigned char icon[] = {\n" + "\n".join(
        "  " + ", ".join(f"0x{byte:02x}" for byte in BYTES[at : at + 12]) + "," for at in range(0, 240, 12)
    ) + "\n};",
    "escapes of a string": 'ICON = b"' + "".join(f"\\x{byte:02x}" for byte in BYTES[:100]) + '"',
    "records of Intel": "\n".join(f":10{at:04X}00{row.hex().upper()}{at:02X}" for at, row, _ in rows_of(BYTES[:160])),
    "uuencoded": "begin 644 photo.png\n" + "\n".join(
        binascii.b2a_uu(BYTES[at : at + 45]).decode().rstrip("\n") for at in range(0, 450, 45)
    ) + "\n`\nend",
    "GeoJSON": json.dumps({"type": "LineString", "coordinates": PLACES}),
    "indented GeoJSON": json.dumps({"coordinates": [PLACES]}, indent=1),
    "KML": f"<coordinates>{' '.join(f'{x},{y},0' for x, y in PLACES)}</coordinates>",
    "GML": f'<gml:posList srsName="x">{" ".join(f"{x} {y}" for x, y in PLACES)}</gml:posList>',
    "WKT": f"POLYGON (({', '.join(f'{x} {y} 31.5' for x, y in PLACES)}))",
    "GPX": "<trkseg>\n" + "\n".join(
        f'<trkpt lat="{y}" lon="{x}"><ele>7.5</ele><extensions><hr>99</hr></extensions></trkpt>' for x, y in PLACES
    ) + "</trkseg>",
    "TCX": "".join(
        f"<Trackpoint><Position><LatitudeDegrees>{y}</LatitudeDegrees></Position></Trackpoint>" for _, y in PLACES
    ),
    "source map": json.dumps({"version": 3, "mappings": "AAAA,SAASA,QAAQC;EACtB,GAAI" * 30}),
}  # fmt: skip

KEPT = {
    "table of measures": "\n".join(f"{x} {y}" for x, y in PLACES),
    "places": '"coordinates": [7.12345, 50.12345]\n' * 40,
    "measures beside a place": json.dumps({"coordinates": [7.5, 50.5], "measures": PLACES}),
    "table that speaks of a POLYGON": "POLYGON of places\n" + "\n".join(f"{x} {y}" for x, y in PLACES),
    "table under the word POLYGON": "POLYGON\n" + "\n".join(f"{x} {y}" for x, y in PLACES) + "\n",
    "notes on a track": "<trkseg>" + "".join(
        f'<trkpt lat="1.5" lon="2.5"><name>hut {at}</name></trkpt>' for at in range(40)
    ),
    "names on a track": "".join(f'<trkpt lat="1.5" lon="2.5"/><name>hut {at}</name>' for at in range(40)),
    "elements of COLLADA": "<float_array> has the numbers, <float_array/> none",
    "galaxies": "G1 X1 is a rocket\nG1 X2\n" + "\n".join(f"M{number}" for number in range(1, 60)),
    "verses": "Psalms\n" + "\n".join(f"v {number} {number + 1}" for number in range(1, 40)),
    "groups": "Groups\n" + "\n".join(f"G1 A{number}" for number in range(40)),
    "settings": "\nG1 X0\n" + "\n".join(f";TITLE:what a person wrote, {number}" for number in range(40)),
    "a quote about drawings": "Write 'data:image/svg+xml, and what follows it in a style sheet. " + "It is prose. " * 9,
    "some movements": "\n".join(f"G1 X{at} Y2 F3000" for at in range(12)),
    "commit id": "fixed in 571489a9f1f0c2b3d4e5f60718293a4b5c6d7e8f yesterday",
    "SHA-512": f"sha512:{HEX[:128]}  archive.tar.gz",
    "integrity of a package": f'"integrity": "sha512-{BASE64[:86]}=="',
    "list of hashes": "\n".join(HEX[at : at + 64] for at in range(0, 640, 64)),
    "checksums": "\n".join(f"{HEX[at : at + 64]}  file-{at}.iso" for at in range(0, 640, 64)),
    "UUIDs": "\n".join(str(uuid.UUID(int=RANDOM.getrandbits(128), version=4)) for _ in range(40)),
    "address": "https://example.org/2019/11/the-quick-brown-fox/" + "-and-the-lazy-dog" * 20 + "?page=2",
    "address with a token": f"https://example.org/reset?token={URL_SAFE[:300]}",
    "path": "/usr/share/" + "documents/of/many/people/" * 12 + "report",
    "German word": "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz" * 3,
    "name of a class": "AbstractSingletonProxyFactoryBeanConfigurationProviderImplementation2Test" * 3,
    "mangled name": "_ZNSt8__detail15_BracketMatcherINSt7__cxx1112regex_traitsIcEELb0ELb0EE19_M_make_character"
    "RangeESt13basicStringIcSt11char_traitsIcESaIcEES9_",
    "DNA in one line": pick("ACGT", 5000),
    "soft-masked DNA": "\n".join(pick("ACGTacgt", 60) for _ in range(50)),
    "FASTA": "\n".join([">seq1 Homo sapiens", *(pick("ACDEFGHIKLMNPQRSTVWY", 60) for _ in range(9))]),
    "digits": "3." + pick("0123456789", 2000),
    "table of numbers": "\n".join(f"{at} 10 12 14 15 16 17 18 19 20 21 22" for at in range(2000, 2040)),
    "CSV": "\n".join(f"2024-01-{day:02},{day * 17},{day * 3.5},ok" for day in range(1, 29)),
    "rulers": "-" * 300 + "\n" + "=" * 300 + "\n" + "_" * 300 + "\n" + "/" * 300 + "\n" + "+----" * 60,
    "one letter": "a" * 500 + " " + "A" * 500,
    "fingerprint": "SHA256 Fingerprint=" + BYTES[:32].hex(":").upper(),
    "MAC addresses": "\n".join(f"eth{at} {BYTES[at : at + 6].hex(':')}" for at in range(40)),
    "one line of a packet": "frame 12: 45 00 00 34 a1 b2 40 00 40 06 00 00 7f 00 00 01",
    "colours": "palette = [0xff0000, 0x00ff00, 0x0000ff, 0xffffff, 0x000000, 0x123456]",
    "short data URL": "write src=\"data:image/png;base64,iVBORw0KGgo\" in the page",
    "data: in prose": "data: see below, and text/plain for the rest of it all",
    "prose in one line": "The ferry left from the quay and we met a puffin there. " * 200,
    "base32 of a seed": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "words of one length": "\n".join(["electroencephalographically"] * 20),
}  # fmt: skip


def words(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("name", ENCODED)
def test_encoded_data_is_taken_out(name: str) -> None:
    text = f"Before the data.\n\n{ENCODED[name]}\n\nAfter it.\n"
    stripped = strip_encoded(text, mime_type="text/plain")
    left = stripped.text.removeprefix("Before the data.").removesuffix("After it.\n")
    assert len(left) != len(stripped.text)
    assert sum(map(len, words(left))) < 130, left
    assert stripped.text.count("\n") == text.count("\n")
    assert stripped.removed_characters > 100


@pytest.mark.parametrize("other", [[WRAPPED[:50]], [WRAPPED[:30], WRAPPED[:76] + "abc"]], ids=["an end", "damage"])
def test_a_line_of_another_length_keeps_no_data(other: list[str]) -> None:
    """The end of a file before the next one, or a damaged line."""
    lines = WRAPPED.split("\n")
    text = "\n".join(["before", "", *lines[:25], *other, *lines[25:], "", "after"])
    assert words(strip_encoded(text, mime_type="text/plain").text) == ["before", "after"]


@pytest.mark.parametrize(
    "point", ['<trkpt lat="1.5" lon="2.5"><time>{}</time></trkpt>\n', "<Trackpoint><Time>{}</Time></Trackpoint>\n"]
)
def test_each_day_of_a_track_stays(point: str) -> None:
    moments = [
        f"2023-07-0{day}T{hour:02}:{minute:02}:00Z" for day in (1, 2, 3) for hour in (9, 17) for minute in range(30)
    ]
    track = "".join(map(point.format, moments))
    stripped = strip_encoded(track, mime_type="application/xml")
    kept = [moment for moment in moments if moment in stripped.text]
    assert kept == ["2023-07-01T09:00:00Z", "2023-07-02T09:00:00Z", "2023-07-03T09:00:00Z"]
    assert stripped.text.count("\n") == track.count("\n")


@pytest.mark.parametrize("name", KEPT)
def test_what_people_read_stays(name: str) -> None:
    assert strip_encoded(KEPT[name], mime_type="text/plain").text == KEPT[name]


@pytest.mark.parametrize("name", ["JSON string", "JSON string with escaped lines", "JSON string with escaped slashes"])
def test_json_stays_json(name: str) -> None:
    stripped = strip_encoded(ENCODED[name], mime_type="application/json").text
    assert json.loads(stripped).keys() == json.loads(ENCODED[name]).keys()


def test_an_escape_before_a_run_stays_whole() -> None:
    for text in (f'{{"a": "line\\n{BASE64}"}}', f'{{"a": "\\u00e9{BASE64}"}}', f'{{"a": "\\\\{BASE64}"}}'):
        stripped = strip_encoded(text, mime_type="application/json").text
        assert BASE64 not in stripped
        assert json.loads(stripped).keys() == {"a"}


def test_what_says_what_it_was_stays() -> None:
    def left(text: str) -> list[str]:
        return words(strip_encoded(text, mime_type="text/plain").text)

    assert " ".join(left(ENCODED["certificate"])) == "-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----"
    key = armour("RSA PRIVATE KEY", "abcd" * 40).replace("\n", "\nProc-Type: 4,ENCRYPTED\n\n", 1)
    assert left(key)[4:6] == ["Proc-Type:", "4,ENCRYPTED"]
    assert "abcd" not in " ".join(left(key))
    assert left(ENCODED["key of SSH"]) == ["ssh-rsa", "anna@host"]
    assert left(ENCODED["array of C"]) == ["unsigned", "char", "icon[]", "=", "{", "};"]


def test_pages_and_lines_begin_where_they_began() -> None:
    pages = ["first page\n", f"second {BASE64} page\n{WRAPPED}\n", "third page\n", f"{BASE64}\nfourth page"]
    text = "".join(pages)
    starts = tuple(len("".join(pages[:number])) for number in range(4))
    stripped = strip_document(Document(text=text, mime_type="application/pdf", page_starts=starts))
    cut = [stripped.text[a:b] for a, b in zip(stripped.page_starts, [*stripped.page_starts[1:], None], strict=True)]
    assert [words(page) for page in cut] == [
        ["first", "page"],
        ["second", "page"],
        ["third", "page"],
        ["fourth", "page"],
    ]
    assert stripped.text.count("\n") == text.count("\n")
    assert stripped.encoded_characters == 2 * len(BASE64) + len(WRAPPED)


def test_a_document_without_encoded_data_is_the_same() -> None:
    document = Document(text="We met a puffin.\n", mime_type="text/plain")
    assert strip_document(document) is document


MINIFIED = (
    '/*! rotor v3.1 | (c) the Grebe Society | MIT License */!function(e,t){"object"==typeof exports?module.exports=t():'
    + "".join(f'e.x{at}=function(t,n){{return t&&n?t.y(n):"k{at}"==n}},' for at in range(60))
    + 'throw new Error("The rotor needs at least one spring, see the manual.")}(this);'
)


def test_of_minified_code_the_licence_and_sentences_stay() -> None:
    left = strip_encoded(f"// small\n{MINIFIED}\n", mime_type="text/javascript").text
    assert words(left) == [
        "//", "small", "/*!", "rotor", "v3.1", "|", "(c)", "the", "Grebe", "Society", "|", "MIT", "License", "*/",
        '"The', "rotor", "needs", "at", "least", "one", "spring,", "see", "the", 'manual."',
    ]  # fmt: skip


def test_a_long_row_of_escapes_takes_no_time() -> None:
    stripped = strip_encoded("var words = ['" + r"\x41\x6d" * 100_000 + "'];", mime_type="text/javascript")
    assert stripped.removed_characters == 800_000


def test_a_long_word_in_minified_code_takes_no_time() -> None:
    code = f'x="{"a" * 400_000}";' + "y=z;" * 400
    assert words(strip_encoded(code, mime_type="text/javascript").text) == []


def test_a_quote_in_an_expression_makes_no_comment_of_code() -> None:
    code = "e=/[`]/.test(t)||f(`/**`);" + "if(t&&n){return y(n)}" * 60 + "u=`*/`;"
    assert words(strip_encoded(code, mime_type="text/javascript").text) == []


def test_a_minifier_may_break_lines() -> None:
    lines = [f"e.x{at}=function(t,n){{return t&&n?t.y(n):'k{at}'==n}}," * 11 for at in range(20)]
    assert all(500 <= len(line) < 600 for line in lines)
    assert words(strip_encoded("\n".join(lines), mime_type="text/javascript").text) == []


def test_long_lines_of_other_types_and_of_written_code_stay() -> None:
    record = json.dumps([{"id": at, "name": f"guest {at}"} for at in range(100)], separators=(",", ":"))
    code = "const guests = [" + ", ".join(f'"guest number {at}"' for at in range(100)) + "];"
    assert strip_encoded(record, mime_type="application/json").text == record
    assert strip_encoded(code, mime_type="text/javascript").text == code


def test_a_text_without_any_of_it_is_plain() -> None:
    text = "We met a puffin in 2024, see 571489a9f1f0c2b3d4e5f60718293a4b5c6d7e8f and ab:cd:ef. " * 50
    assert shape_of(text).is_plain
    assert not shape_of(ENCODED["JSON string"]).is_plain


def test_binary_files_in_a_patch_of_git_are_no_text() -> None:
    lines = "".join("z" + "c$@<O0{*h~P)h>@6aWAK2ml}Y" * 2 + "\n" for _ in range(20))
    text = f"index 1..2\nGIT binary patch\nliteral 900\n{lines}\n--- a/x\n+mongoose\n"
    stripped = strip_encoded(text, mime_type="text/x-diff").text
    assert "mongoose" in stripped
    assert "WAK2ml" not in stripped
    assert stripped.count("\n") == text.count("\n")
