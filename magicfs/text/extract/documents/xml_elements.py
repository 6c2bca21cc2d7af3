"""Parses XML, and finds elements and attributes by their local names: a format may have a namespace for each version.

Used by the readers of the child process. Pure functions.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

BEHIND_DAMAGE: Final = "the markup behind the damage"
"""How the part of a document is named of which the words alone are read."""
_ENDS_LINE: Final = re.compile(r"</(?:[\w.-]{1,40}:)?(?:p|h|Row|Cell|Data|table-row|table-cell)\s{0,9}>")
"""The ends of paragraphs and cells in documents of office programs."""
_TAG: Final = re.compile(r"<[^<>]*(?:>|(?=<)|\Z)")


def parse_xml(data: bytes | str) -> ET.Element:
    """The root of a document. Raises `ET.ParseError` for a damaged one.

    The parser is expat, which stops entities that expand without end and reads no other file.
    """
    return ET.fromstring(data)  # noqa: S314  (see above)


def parse_before_damage(data: bytes | str) -> ET.Element:
    """The root of a document that may be damaged, with what stands before the damage. Raises `ET.ParseError`."""
    builder = ET.TreeBuilder()
    parser = ET.XMLParser(target=builder)  # noqa: S314  (see above)
    with contextlib.suppress(ET.ParseError):
        parser.feed(data)
    root: ET.Element | None = builder.close()
    if root is None:
        raise ET.ParseError("it has no root")
    return root


def parse_around_damage(text: str) -> tuple[ET.Element, str | None]:
    """The root of a document with what stands before the damage, and the text behind that without its markup.

    The text is None for a document that is whole. Raises `ET.ParseError` where nothing stands before the damage.
    """
    try:
        return parse_xml(text), None
    except ET.ParseError:
        root = parse_before_damage(text)
    parser = expat.ParserCreate()
    with contextlib.suppress(expat.ExpatError):
        parser.Parse(text, True)  # noqa: FBT003  (it takes no name)
    data = text.encode("utf-8")
    # What stands behind the last whole tag has come to no element.
    tag = data.rfind(b"<", 0, parser.ErrorByteIndex)
    end = data.find(b">", tag, parser.ErrorByteIndex)
    rest = data[(end if end >= 0 else data.rfind(b">", 0, tag)) + 1 :].decode("utf-8", "replace")
    lines = _TAG.sub("", _ENDS_LINE.sub("\n", rest)).split("\n")
    return root, "\n".join(filter(None, (html.unescape(line).strip() for line in lines)))


def local_name(element: ET.Element) -> str:
    """The name of an element without its namespace; empty for a comment."""
    return without_namespace(element.tag) if isinstance(element.tag, str) else ""


def without_namespace(name: str) -> str:
    """The name of an element or an attribute without its namespace."""
    return name.rpartition("}")[2]


def named(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements of a local name, in order."""
    return (element for element in root.iter() if local_name(element) == name)


def outermost(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the same, in order, without those inside of one: what is read of each is read once."""
    pending = [root]
    while pending:
        element = pending.pop()
        if local_name(element) == name:
            yield element
        else:
            pending.extend(reversed(element))


def attribute(element: ET.Element, name: str) -> str:
    """The value of the attribute with a local name; empty if there is none."""
    return next((value for key, value in element.attrib.items() if without_namespace(key) == name), "")
