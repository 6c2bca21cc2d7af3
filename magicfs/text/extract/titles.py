"""Titles of plain text formats that can say one. Pure functions; any thread."""

from __future__ import annotations

import re

_FRONT_MATTER = re.compile(r"\A---\n(?:.*\n){0,30}?title:[ \t]*[\"']?(.+?)[\"']?[ \t]*\n", re.IGNORECASE)
_MARKDOWN = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t#]*$|^(\S.{0,200})\n=+[ \t]*$", re.MULTILINE)
_LATEX = re.compile(r"\\title\{([^{}\\]+)\}")
_REST = re.compile(r"\A\s*(?:([=\-~*#^])\1{2,}\n)?[ \t]*(\S.{0,200})\n([=\-~*#^])\3{2,}[ \t]*$", re.MULTILINE)

_HEAD = 4096
"""Characters in which a title is looked for."""

_LONGEST = 300


def title_of(text: str, *, mime_type: str) -> str | None:
    """Return the title that a Markdown, reStructuredText or LaTeX text gives itself."""
    head = text[:_HEAD]
    if mime_type == "text/markdown":
        found = _FRONT_MATTER.search(head) or _MARKDOWN.search(head)
        title = found and next(group for group in found.groups() if group)
    elif mime_type == "text/x-rst":
        found = _REST.search(head)
        title = found and found[2]
    elif mime_type == "text/x-tex":
        found = _LATEX.search(head)
        title = found and found[1]
    else:
        return None
    return title.strip()[:_LONGEST] or None if title else None
