"""Parses XML, and finds elements and attributes by their local names: a format may have a namespace for each version.

Used by the readers of the child process. Pure functions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET


def parse_xml(data: bytes | str) -> ET.Element:
    """The root of a document. Raises `ET.ParseError` for a damaged one.

    The parser is expat, which stops entities that expand without end and reads no other file.
    """
    return ET.fromstring(data)  # noqa: S314  (see above)


def parse_before_damage(data: bytes) -> ET.Element:
    """The root of a document that may be damaged, with what stands before the damage. Raises `ET.ParseError`."""
    builder = ET.TreeBuilder()
    parser = ET.XMLParser(target=builder)  # noqa: S314  (see above)
    with contextlib.suppress(ET.ParseError):
        parser.feed(data)
    root: ET.Element | None = builder.close()
    if root is None:
        raise ET.ParseError("it has no root")
    return root


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
