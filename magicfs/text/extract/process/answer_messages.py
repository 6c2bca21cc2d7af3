"""The messages in which the parser process answers: how `child` encodes an outcome, and how `answers` decodes it.

Every field is checked: a file may have taken control of the child. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from magicfs.domain.contents import Document, Picture, Unreadable, UnreadPart, UnreadParts
from magicfs.domain.files import SkipReason
from magicfs.domain.ids import Digest
from magicfs.ipc.framing import Message
from magicfs.text.extract.documents.file_parts import MAX_NAME_CHARACTERS, MAX_NAMES
from magicfs.text.extract.pdf.page_texts import letters_of_pages, pages_in_order
from magicfs.text.extract.plain.plain_text import clean

_MAX_COUNT = 2**31 - 1
MAX_DETAIL_CHARACTERS = 300
MAX_LINE_CHARACTERS = 300
"""Those of a title, an author and keywords; what is longer stands in the text too."""
_MAX_MIME_TYPE_CHARACTERS = 200
_DIGEST_BYTES = 16


def encode_unreadable(unreadable: Unreadable) -> Message:
    """The only answer about a file without text."""
    return Message(_encode_reason(unreadable))


def encode_document(document: Document, *, pages: Sequence[int] = (), later: Sequence[int] = ()) -> Message:
    """The only answer about a document, or the first one when more follow: about its `pages` with few letters.

    None follows about pages with pictures that are read `later`.
    """
    metadata: dict[str, Any] = {
        "mime_type": document.mime_type,
        "title": _one_line(document.title),
        "author": _one_line(document.author),
        "keywords": _one_line(document.keywords),
        "language": _one_line(document.language),
        "page_starts": document.page_starts,
        "first_page": document.first_page,
        "headings": document.headings,
        "pictures": [(picture.digest.hex(), picture.page) for picture in document.pictures],
        "cut_bytes": document.cut_bytes,
        "encoded_characters": document.encoded_characters,
        "unread_parts": _encode_parts(document.unread_parts),
        "pages": pages,
        "later": later,
    }
    return Message(metadata, document.text.encode("utf-8"))


def encode_page(page: int, text: str, *, recognised: bool = True) -> Message:
    """The answer with the text of a page, recognised or from its text layer; pages count from 0.

    It is empty for a page that shows nothing beside its text layer.
    """
    return Message({"page": page, "recognised": recognised}, text.encode("utf-8"))


def encode_unread_page(page: int, unreadable: Unreadable) -> Message:
    """The answer about a page that could not be recognised; pages count from 0."""
    return Message({"page": page, **_encode_reason(unreadable)})


def encode_end(*, cut_bytes: int = 0) -> Message:
    """The last answer about a document with recognised pages, of whose texts `cut_bytes` were cut off."""
    return Message({"cut_bytes": cut_bytes})


def as_final(answer: Message, *, is_last: bool, is_out_of_reach: bool) -> Message:
    """The last answer about a file, and whether reading it has failed; `is_last` announces the end of the child."""
    return Message({**answer.head, "last": is_last, "out_of_reach": is_out_of_reach}, answer.body)


def decode_outcome(answer: Message) -> Document | Unreadable:
    """The first answer about a file. Raises `KeyError`, `TypeError` or `ValueError` if it is malformed, as all here."""
    head = answer.head
    if "reason" in head:
        return decode_reason(answer)
    return Document(
        text=clean(answer.body.decode("utf-8", errors="replace")),
        mime_type=str(head["mime_type"])[:_MAX_MIME_TYPE_CHARACTERS],
        title=_clean_or_none(head.get("title")),
        author=_clean_or_none(head.get("author")),
        keywords=_clean_or_none(head.get("keywords")),
        language=_clean_or_none(head.get("language")),
        page_starts=tuple(int(start) for start in head["page_starts"]),
        first_page=None if head["first_page"] is None else count(head["first_page"]),
        headings=tuple((int(line), int(rank)) for line, rank in head["headings"]),
        pictures=_decode_pictures(head.get("pictures") or ()),
        cut_bytes=count(head["cut_bytes"]),
        encoded_characters=count(head.get("encoded_characters") or 0),
        unread_parts=_decode_parts(head.get("unread_parts")),
    )


def _decode_pictures(pictures: Any) -> tuple[Picture, ...]:
    read = [(bytes.fromhex(digest), page) for digest, page in pictures]
    if any(len(digest) != _DIGEST_BYTES for digest, _ in read):
        raise ValueError("a digest of another length")
    return tuple(Picture(Digest(digest), None if page is None else count(page)) for digest, page in read)


def _encode_parts(parts: UnreadParts | None) -> dict[str, Any] | None:
    if parts is None:
        return None
    return {"count": parts.count, "of": parts.of, "some": [(part.name, part.reason.value) for part in parts.some]}


def _decode_parts(parts: Any) -> UnreadParts | None:
    if parts is None:
        return None
    some = tuple(
        UnreadPart(_one_line(str(name)[:MAX_NAME_CHARACTERS]) or "", SkipReason(reason))
        for name, reason in parts["some"][:MAX_NAMES]
    )
    unread = max(count(parts["count"]), len(some), 1)
    return UnreadParts(unread, max(count(parts["of"]), unread), some)


def _encode_reason(unreadable: Unreadable) -> dict[str, Any]:
    return {"reason": unreadable.reason.value, "detail": _one_line(unreadable.detail)}


def decode_reason(answer: Message) -> Unreadable:
    """Why a file, or a page, was not read."""
    detail = clean(str(answer.head.get("detail") or ""))[:MAX_DETAIL_CHARACTERS]
    # Libraries quote bytes of the file, which a terminal would take for commands.
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in detail)
    return Unreadable(SkipReason(answer.head["reason"]), shown)


def decode_pages(answer: Message, outcome: Document | Unreadable) -> dict[int, int]:
    """The pages about which further answers follow, with the letters of each, as `Answers` keeps them."""
    if isinstance(outcome, Unreadable):
        return {}
    pages = frozenset(int(page) for page in answer.head["pages"])
    _check_pages(pages, outcome)
    return pages_in_order(letters_of_pages(outcome, pages))


def decode_later_pages(answer: Message, outcome: Document | Unreadable) -> tuple[int, ...]:
    """The pages with pictures that are read later, ascending."""
    if isinstance(outcome, Unreadable):
        return ()
    later = frozenset(int(page) for page in answer.head["later"])
    _check_pages(later, outcome)
    return tuple(sorted(later))


def _check_pages(pages: Collection[int], outcome: Document) -> None:
    """Raise `ValueError` for pages, or pictures, that a document does not have."""
    starts = outcome.page_starts
    if outcome.pictures:
        if pages and (max(pages) >= len(outcome.pictures) or min(pages) < 0):
            raise ValueError("pictures that the document does not have")
    elif pages and (max(pages) >= len(starts) or min(pages) < 0 or starts[0] != 0 or list(starts) != sorted(starts)):
        raise ValueError("pages that the document does not have")


def _one_line(value: str | None) -> str | None:
    """Metadata as one clean line of bounded length, or None when it is blank."""
    return None if value is None else " ".join(clean(value).split())[:MAX_LINE_CHARACTERS] or None


def count(value: Any) -> int:
    """A number of bytes or pages that Postgres can store. Raises `TypeError` or `ValueError` for another value."""
    return min(max(int(value), 0), _MAX_COUNT)


def _clean_or_none(value: Any) -> str | None:
    return None if value is None else clean(str(value))
