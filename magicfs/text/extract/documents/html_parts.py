"""Reads what a page of HTML holds beside its running text: its title, texts of pictures and of controls, contacts.

Runs in the child process: `document_parts` calls it for pages, `office_parts` for chapters of books. kreuzberg reads
the running text. A tokenizer and not a parser: each byte is read once, whatever the page has. Pure functions.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from magicfs.text.extract.documents.linked_data import stated_texts

HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})

INLINE_ELEMENTS: Final = frozenset(
    {
        *("a", "b", "strong", "i", "em", "u", "s", "del", "ins", "mark", "code", "kbd", "samp", "var", "span", "font"),
        *("small", "sub", "sup", "img", "cite", "q", "wbr", "abbr", "time", "bdi", "ruby", "rb", "rt", "rp"),
    }
)
"""Elements that may stand in the middle of a word."""

_TOKEN: Final = re.compile(
    r"""<!--(?P<comment>.*?)(?:-->|\Z)
    |<[!?][^<>]{0,2000}>
    |<(?P<raw>script|style)\b(?P<kind>[^<>]{0,5000})>(?P<code>.*?)(?:</(?P=raw)\b[^<>]{0,100}>?|\Z)
    |<r[tp]\b[^<>]{0,1000}>[^<]*
    |</?(?P<tag>[a-z][a-z0-9:-]{0,40})(?P<attributes>(?:[^<>"']|"[^"<]{0,5000}"|'[^'<]{0,5000}'){0,5000}+)>
    |(?P<text>[^<]+)
    |<""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE: Final = re.compile(
    r"""(?<![\w-])(?P<name>[a-z:-]{1,40})\s{0,9}=\s{0,9}(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))""",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(
    rb"<sup\b[^<>]{0,500}>\s{0,9}<a\b[^<>]{0,1000}\bhref\s{0,9}=\s{0,9}[\"']?[^\s\"'<>#]{0,300}#[^<>]{0,1000}>"
    rb"((?:[^<]|</?span\b[^<>]{0,300}>){0,60})</a>\s{0,9}</sup>",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(rb"<[^<>]*>")
_SIGN_OF_NOTE: Final = re.compile(r"\W{0,3}(?:[a-z]{0,5}\s)?(?:[0-9]{0,4}|[a-z]|[ivx]{1,6})\W{0,3}", re.IGNORECASE)
"""The sign of a note or of a source behind a word, which leads there."""
_LINKED_DATA: Final = re.compile(r"\btype\s{0,9}=\s{0,9}[\"']?application/ld\+json\b", re.IGNORECASE)
_TEXT_ATTRIBUTES: Final = ("alt", "title", "placeholder", "aria-label", "label", "summary")
_BOOKMARKS: Final = re.compile(r"\s*<!DOCTYPE\s+NETSCAPE-Bookmark-file", re.IGNORECASE)
"""The beginning of the bookmarks that a browser exports: a person looks for their addresses and tags."""
_SAVED_FROM: Final = re.compile(
    r"\s{0,20}(?:saved from url=\([0-9]{1,6}\)|Page saved with SingleFile\s{1,20}url:\s{0,20})(\S{1,2000})"
)
"""What browsers write into a page that they save: where it is from."""
_META_NAME: Final = re.compile(r"(?:^|[:.])(?:title|description|keywords|author|creator|subject|site_name)$")
_CONTACT: Final = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
_WITHOUT_VALUE: Final = frozenset({"hidden", "password", "checkbox", "radio"})
"""Kinds of input fields whose value nobody reads."""


def html_texts(page: str) -> Iterator[str]:
    """Yield the title, each paragraph, and the texts of attributes that a person is shown, in the page's order."""
    are_bookmarks = _BOOKMARKS.match(page) is not None
    pieces: list[str] = []
    for token in _TOKEN.finditer(page):
        if token["text"]:
            pieces.append(token["text"])
            continue
        if token["comment"] and (saved := _SAVED_FROM.match(token["comment"])):
            yield saved[1]
        tag = (token["tag"] or "").lower()
        if tag and tag not in INLINE_ELEMENTS:
            yield from _paragraph(pieces)
            pieces = []
        if token["code"] and _LINKED_DATA.search(token["kind"]):
            yield from stated_texts(token["code"])
        if token["attributes"]:
            yield from _attribute_texts(tag, token["attributes"], of_bookmark=are_bookmarks)
    yield from _paragraph(pieces)


def without_references(page: bytes) -> bytes:
    """The page without the signs of its notes and sources, which would stand inside of its words and sentences."""
    return _REFERENCE.sub(_without_sign, page)


def _without_sign(match: re.Match[bytes]) -> bytes:
    sign = html.unescape(_SPAN.sub(b"", match[1]).decode("utf-8", "replace")).strip()
    return b"" if _SIGN_OF_NOTE.fullmatch(sign) else match[0]


def html_title(page: str) -> str | None:
    """What stands in the `title` element; None without one."""
    match = re.search(r"<title\b[^<>]{0,1000}>([^<]{1,1000})", page[:200_000], re.IGNORECASE)
    return next(_paragraph([match[1]]), None) if match else None


def _paragraph(pieces: list[str]) -> Iterator[str]:
    text = " ".join(html.unescape("".join(pieces)).split())
    if text:
        yield text


def _attribute_texts(tag: str, attributes: str, *, of_bookmark: bool) -> Iterator[str]:
    values = {
        match["name"].lower(): match["double"] or match["single"] or match["bare"] or ""
        for match in _ATTRIBUTE.finditer(attributes)
    }
    for name in (*_TEXT_ATTRIBUTES, "href", "tags") if of_bookmark else _TEXT_ATTRIBUTES:
        if value := values.get(name):
            yield from _paragraph([value])
    target = values.get("href", "")
    if tag == "a" and _CONTACT.match(target):
        yield from _paragraph([unquote(target.partition(":")[2].partition("?")[0])])
    elif tag == "link" and values.get("rel", "").lower() == "canonical":
        yield from _paragraph([target])
    elif tag == "iframe" and values.get("srcdoc"):
        yield from html_texts(html.unescape(values["srcdoc"]))
    if tag == "meta" and _META_NAME.search((values.get("name") or values.get("property") or "").lower()):
        yield from _paragraph([values.get("content", "")])
    elif tag == "input" and values.get("type", "").lower() not in _WITHOUT_VALUE:
        yield from _paragraph([values.get("value", "")])
