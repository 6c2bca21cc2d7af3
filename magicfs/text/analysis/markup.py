"""Reads what is written with markup as a person does: emphasis inside a word, links, tags and character references.

Used by `readable`. What is taken out of the running text stands aside, so that it is found as well. Pure functions; any
thread. Each rule is guarded by a search for its characters.
"""

from __future__ import annotations

import html
import re
from typing import Final

from magicfs.text.analysis.tokens import UNSPACED_WORDS

_BOLD: Final = re.compile(
    r"\*\*(?<!\w\*\*)(\*?)([^\s*](?:[^*\n]{0,200}[^\s*])?)\*\*\1|\*\*(\*?)([^\s*][^*\n]{0,200})\*\*\3(?!\w)"
)
_BOLD_INSIDE: Final = re.compile(r"\*\*(?<=[^\W\d_]{2}\*\*)(\*?)([^\W\d_]+)\*\*\1(?=[^\W\d_])")
_ITALIC: Final = re.compile(
    r"\*(?<![\w*]\*)([^\W\d_]{2,})\*(?=[^\W\d_]{2})|\*(?<=[^\W\d_]{2}\*)([^\W\d_]{2,})\*(?![\w*])"
)
_UNSPACED_MARKS: Final = re.compile(rf"(?<![*`~])[*`~]++(?=[{UNSPACED_WORDS}])|(?<=[{UNSPACED_WORDS}])[*`~]+")
_UNSPACED_LINK: Final = re.compile(rf"!?\[([^\[\]\n]{{0,200}}[{UNSPACED_WORDS}][^\[\]\n]{{0,200}})\](?=\()")
_STRUCK: Final = re.compile(r"~~([^\s~](?:[^~\n]{0,200}[^\s~])?)~~")
"""Emphasis that begins or ends inside a word. The signs of other emphasis stand between words and do not count. Each
pattern begins with its sign, for which `re` searches quickly."""

_LINK_TARGET: Final = re.compile(
    r"\]\(\s*+(<[^<>\n]{0,500}>|[^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)(?:\s++([\"'][^\n]*?[\"']))?\s*+\)"
)
"""What follows the text of a link in Markdown: its address, and its title."""
_NOTE: Final = re.compile(
    r"(?<=[\w.,;:!?)\"'])(?:\[(?:\^|fn:)([\w-]{1,30})\]|[ ]?\[([#*]?[\w-]{0,30})\]_)(?=[\s.,;:!?)]|\Z)"
)
"""The sign of a footnote behind a word, in Markdown, Org and reStructuredText."""
_REFERENCE: Final = re.compile(r"(?<![\w\])\[])(\[[^\[\]\n]{1,200})\]\[([^\]\n]{0,200})\]")
"""A link in Markdown whose address stands elsewhere under a name; not `matrix[row][column]`."""
_WIKI_LINK: Final = re.compile(
    r"\[\[(?<!\w\[\[)(?![\s:])([^\[\]|\n]{1,300})(?:\|([^\[\]|\n]{1,300})\]\]|\]\](?=[^\W\d_]))"
)
"""A link of a wiki with another text than its target, or with the rest of a word behind it; not a test in a shell."""
_ORG_LINK: Final = re.compile(r"\[\[([^\]\n]{1,500})\]\[([^\]\n]{1,500})\]\]")
_RST_LINK: Final = re.compile(r"`([^`<>]{1,200}?)\s*<([^<>`\s]{1,500})>`__?")
"""Links of Org, with the address first, and of reStructuredText."""
_ROLE: Final = re.compile(
    r"(?<![\w:`]):([A-Za-z][\w.+-]{0,30}(?::[A-Za-z][\w.+-]{0,30}){0,2}):`([^`<>\n]{1,200}?)(?:\s*<([^<>`\n]{1,500})>)?`"
)
"""What reStructuredText says of a word or of a phrase, such as where it leads: `:ref:`the guide <target>``."""
_ADDRESS: Final = re.compile("://|mailto:|link:|xref:")
_ADDRESS_FIRST: Final = re.compile(
    r"(?<!\w)((?:https?://|mailto:|link:|xref:)[^\s\[\]<>\"']{1,500})\[([^\[\]\n]{1,300}?)\^?(?:,[^\[\],=\n]{1,50}=[^\[\]\n]{0,200})?\]"
)
_CROSS_REFERENCE: Final = re.compile(r"<<(?=\w|#)([^<>,\n]{1,200}),[ ]?(?=\S)([^<>\n]{1,200})>>")
"""Links of AsciiDoc: the text in brackets behind the address, or behind the name of a part of the document."""
_ADDRESS_INSIDE: Final = re.compile(r"\[((?:https?|ftp)://[^\s\[\]|]{1,500})[ \t]+([^\[\]\n]{1,300})\]")
"""A link of MediaWiki to another site."""
_BAR_LINK: Final = re.compile(
    r"<((?:https?://|mailto:)[^\s<>|]{1,500})\|([^<>|\n]{1,300})>"
    r"|\[([^\[\]|\n]{1,200})\|((?:https?://|mailto:)[^\s\[\]|]{1,500})(?:\|[^\[\]\n]{0,100})?\]"
)
"""Links of chats, such as Slack, and of trackers, such as Jira."""
_QUOTED_LINK: Final = re.compile(r'"([^"\n]{1,200})":((?:https?://|mailto:)[^\s"<>]{1,500})')
"""A link of Textile."""
_TEX_STYLE: Final = re.compile(
    r"\\(?:text(?:bf|it|tt|sc|sf|rm|up|md|sl|normal)|emph|underline|uline|enquote)\{([^{}\\\n]{1,300})\}"
    r"|\{\\(?:em|bf|it|tt|sc|sf|sl|rm|bfseries|itshape|scshape|ttfamily)[ \t]{1,9}([^{}\\\n]{1,300}?)(?:\\/)?\}"
)
_TEX_LINK: Final = re.compile(r"\\href\{([^{}\n]{1,500})\}\{([^{}\n]{1,300})\}")
"""Emphasis and links of TeX."""

_INLINE_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|big|cite|code|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var|wbr"
    r"|acronym|bd[io]|bold|citetitle|dfn|emphasis|g|hi|italic|nobr|ph|ulink|xliff:g|xref)"
    r"(?:\s[^<>]{0,500})?/?>",
    re.IGNORECASE,
)
"""A tag of HTML, or of XML for texts (DocBook, DITA, JATS, TEI), that stands inside a word or a sentence."""

_FORUM_TAG: Final = re.compile(
    r"\[/?(?:b|i|u|s|url|img|colou?r|size|font|quote|code|list|center|sub|sup)(?:=([^\[\]\n]{0,500}))?\]", re.IGNORECASE
)
"""A tag of forums. Code has indexes that look like some, so it counts only in a text that ends one."""
_RAISED: Final = re.compile(r"([~^])(?<=[A-Za-z0-9].)([A-Za-z0-9]{1,4})\1")
"""Letters that are raised or lowered in Markdown and AsciiDoc: `H~2~O`."""
_MARKED: Final = re.compile(
    r"==(?<![\w=]==)([^\W\d_]{2,})==(?=[^\W\d_]{2})|==(?<=[^\W\d_]{2}==)([^\W\d_]{2,})==(?![\w=])"
)
"""A part of a word that is marked as with a pen."""
_ESCAPED_SIGN: Final = re.compile(r"\\(?<=[\w#+*]\\)(?=[#+*_'\"])")
"""The backslash that keeps a sign in a name from being markup, or the end of a string: `C\\#`, `O\\'Brien`."""

ENTITY: Final = re.compile(
    r"&(?:#[0-9]{2,7}|#[xX][0-9a-fA-F]{2,6}|shy|zwn?j|ZeroWidthSpace|nbsp|thinsp|ensp|emsp|amp"
    r"|[A-Za-z]{1,2}(?:acute|grave|circ|uml|tilde|cedil|slash|ring|caron|lig));"
)
"""A character reference that stands for a letter, a space, or for nothing that one sees."""


def without_entities(text: str, asides: list[str]) -> str:
    """The text with the characters that are meant. The references are added to `asides`."""
    asides.append(" ".join(dict.fromkeys(ENTITY.findall(text))))
    return ENTITY.sub(lambda match: html.unescape(match[0]), text)


def without_markup(text: str, asides: list[str]) -> str:
    """The text without emphasis, tags and targets of links. Tags and targets are added to `asides`."""
    if "\\" in text:
        text = _ESCAPED_SIGN.sub("", text)
        text = _TEX_STYLE.sub(lambda match: match[1] or match[2], text) if "{" in text else text
    if "~" in text or "^" in text:
        text = _RAISED.sub(r"\2", text)
    if "*" in text:
        if "**" in text:
            text = _BOLD_INSIDE.sub(r"\2", text)
            text = _BOLD.sub(lambda match: match[2] or match[4], text)
        text = _ITALIC.sub(lambda match: match[1] or match[2], text)
    if "==" in text:
        text = _MARKED.sub(lambda match: match[1] or match[2], text)
    if "~~" in text:
        text = _STRUCK.sub(r"\1", text)
    if not text.isascii():
        text = _UNSPACED_MARKS.sub("", text)
        text = _UNSPACED_LINK.sub(r"\1]", text) if "](" in text else text
    return _without_tags(_without_links(text, asides), asides)


def _without_links(text: str, asides: list[str]) -> str:
    """The text of links without their addresses, which are added to `asides`."""
    if "](" in text:
        text = _LINK_TARGET.sub(lambda match: _aside("", " ".join(filter(None, match.groups())), asides), text)
    if "[^" in text or "[fn:" in text or "]_" in text:
        text = _NOTE.sub(lambda match: _aside("", match[1] or match[2] or "", asides), text)
    if "][" in text:
        text = _ORG_LINK.sub(lambda match: _aside(match[2], match[1], asides), text)
        text = _REFERENCE.sub(lambda match: _aside(match[1], match[2], asides), text)
    if "[[" in text:
        text = _WIKI_LINK.sub(lambda match: _aside(match[2] or match[1], match[1] if match[2] else "", asides), text)
    if ">`_" in text:
        text = _RST_LINK.sub(lambda match: _aside(match[1], match[2], asides), text)
    if ":`" in text:
        text = _ROLE.sub(lambda match: _aside(match[2], " ".join(filter(None, match.group(1, 3))), asides), text)
    if "\\href{" in text:
        text = _TEX_LINK.sub(lambda match: _aside(match[2], match[1], asides), text)
    if "<<" in text and ">>" in text:
        text = _CROSS_REFERENCE.sub(lambda match: _aside(match[2], match[1], asides), text)
    return _without_addresses(text, asides) if _ADDRESS.search(text) else text


def _without_addresses(text: str, asides: list[str]) -> str:
    """The text of links that say a whole address, without it."""
    if "[" in text:
        text = _ADDRESS_INSIDE.sub(lambda match: _aside(match[2], match[1], asides), text)
        text = _ADDRESS_FIRST.sub(lambda match: _aside(match[2], match[1], asides), text)
    if "|" in text:
        text = _BAR_LINK.sub(lambda match: _aside(match[2] or match[3], match[1] or match[4], asides), text)
    if '":http' in text or '":mailto' in text:
        text = _QUOTED_LINK.sub(lambda match: _aside(match[1], match[2], asides), text)
    return text


def _without_tags(text: str, asides: list[str]) -> str:
    """The text without the tags of HTML and of forums, which are added to `asides`."""
    if "[/" in text:
        text = _FORUM_TAG.sub(lambda match: _aside("", match[1] or match[0], asides), text)
    if "</" in text:
        asides.extend(dict.fromkeys(tag for tag in _INLINE_TAG.findall(text)))
        text = _INLINE_TAG.sub("", text)
    return text


def _aside(kept: str, target: str, asides: list[str]) -> str:
    if target:
        asides.append(target)
    return kept
