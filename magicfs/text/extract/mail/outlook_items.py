"""Reads a message of Outlook, an appointment, a task or a contact: what stands above its text, that, and its files.

Runs in the child process, used by `outlook_files` and `outlook_stores`, which find the items in a file. One thread.
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, FileParts
from magicfs.text.extract.documents.missing_texts import missing_texts
from magicfs.text.extract.mail.outlook_properties import PUBLIC_NAMES, Names, Properties
from magicfs.text.extract.mail.tnef import decompress_rtf

_MAX_ATTACHED: Final = 500
_MAX_RECEIVERS: Final = 500
_MAX_DEPTH: Final = 3
"""Messages in messages that are read."""
_MAX_NAME_CHARACTERS: Final = 255
_SIGNED: Final = "multipart/signed"
SUBJECT, _BODY, _PAGE, _PACKED_RTF = 0x0037, 0x1000, 0x1013, 0x1009
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _FILE_TYPE = 0x3707, 0x3704, 0x3001, 0x370E
_SENDERS: Final = ((0x0042, 0x5D02, 0x0065), (0x0C1A, 0x5D01, 0x0C1F))
"""The name of a sender, the address on the internet, and the one of a server: first of whom the message is from."""
_NAME, _INTERNET_ADDRESS, _ADDRESS, _ROLE = 0x3001, 0x39FE, 0x3003, 0x0C15
_ROLES: Final = {"To": (1, 0x0E04), "Cc": (2, 0x0E03), "Bcc": (3, 0x0E02)}
"""The number of a receiver's role, and the property with the names of all who have it."""
_DATES: Final = (0x0039, 0x0E06, 0x3007)
"""When a message was sent, received, or made."""

_APPOINTMENTS, _TASKS, _ADDRESSES = (bytes.fromhex(f"0{one}20060000000000c000000000000046") for one in (2, 3, 4))
_ALL_DAY: Final = 0x8215
_MOMENTS: Final = (("Start", _APPOINTMENTS, 0x820D), ("End", _APPOINTMENTS, 0x820E), ("Due", _TASKS, 0x8105))
_NAMED_TEXTS: Final = (
    ("Location", _APPOINTMENTS, 0x8208),
    ("Repeats", _APPOINTMENTS, 0x8232),
    *(("Email", _ADDRESSES, number) for number in (0x8083, 0x8093, 0x80A3)),
    *(("Address", _ADDRESSES, number) for number in (0x801A, 0x801B)),
)
_CONTACT_TEXTS: Final = (
    *(("Company", 0x3A16), ("Department", 0x3A18), ("Title", 0x3A17), ("Nickname", 0x3A4F)),
    *(("Phone", number) for number in (0x3A08, 0x3A1B, 0x3A09, 0x3A1C, 0x3A1F)),
    *(("Fax", 0x3A24), ("Address", 0x3A15), ("Web", 0x3A51)),
)
_BIRTHDAY: Final = 0x3A42
_CONTACT: Final = "IPM.Contact"
_CLASS: Final = 0x001A


class AttachedFile(Protocol):
    """A file or a message that is attached to an item."""

    @property
    def properties(self) -> Properties:
        """Its own properties."""

    def content(self) -> bytes | SkipReason:
        """The bytes of a file that is attached, or why they are not read. May raise any exception about damage."""

    def message(self) -> OutlookItem | None:
        """A message that is attached; None if it cannot be read."""


class OutlookItem(Protocol):
    """A message, an appointment, a task or a contact."""

    @property
    def properties(self) -> Properties:
        """Its own properties."""

    @property
    def names(self) -> Names:
        """The numbers of its named properties."""

    def receivers(self) -> Iterable[Properties]:
        """The properties of each receiver."""

    def attached(self) -> Iterable[AttachedFile]:
        """What is attached, in order."""


class ItemReader:
    """Reads one item after the other."""

    def __init__(self, parts: FileParts) -> None:
        self._parts = parts
        self._count = 0

    def texts(self, item: OutlookItem) -> Iterator[str]:
        """Yield the texts of an item and of what is attached to it; of that for which there is no time, the names."""
        self._count = 0
        yield from self._own_texts(item)
        yield from self._attached_texts(item, depth=0)

    def _own_texts(self, item: OutlookItem) -> Iterator[str]:
        """Yield what stands above the text of an item, then its text."""
        properties = item.properties
        receivers = _receivers(item)
        fields = [
            ("Subject", properties.text(SUBJECT)),
            *zip(("From", "Sender"), senders(properties), strict=False),
            *(
                (role, ", ".join(receivers[number]) or properties.text(shown))
                for role, (number, shown) in _ROLES.items()
            ),
            ("Date", _date(next(filter(None, map(properties.moment, _DATES)), None))),
            *_named_fields(properties, item.names),
        ]
        yield "\n".join(f"{name}: {' '.join(value.split())}" for name, value in fields if value.strip())
        yield self._body(properties)

    def _body(self, message: Properties) -> str:
        """The text of a message, in the plainest form that it has."""
        body = message.text(_BODY)
        page = message.data(_PAGE) or message.text(_PAGE).encode()
        if not body.strip() and page:
            body = self._parts.read(_in_utf8(page, message.charset_of_sender), b"body.html")
        packed = message.data(_PACKED_RTF)
        if not body.strip() and packed:
            try:
                body = self._parts.read(decompress_rtf(packed), b"body.rtf")
            except DAMAGE:
                self._parts.add_unread("body.rtf")
        return body

    def _attached_texts(self, item: OutlookItem, *, depth: int) -> Iterator[str]:
        """Yield the names of attached files and their texts."""
        for file in item.attached():
            self._count += 1
            if self._count > _MAX_ATTACHED:
                return
            if file.properties.text(_FILE_TYPE).lower() == _SIGNED:
                # Outlook keeps the text beside what was signed, which has the attached files too.
                signed = self._read_file(file, "signed.eml").splitlines()
                yield "\n".join(missing_texts(signed, in_text="\n".join(self._own_texts(item))))
            else:
                yield from self._file_texts(file, depth)

    def _file_texts(self, file: AttachedFile, depth: int) -> Iterator[str]:
        name = next(filter(None, map(file.properties.text, (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME))), "")
        name = " ".join(name.replace("/", " ").split())[:_MAX_NAME_CHARACTERS]
        if name:
            yield f"Attachment: {name}"
        message = file.message()
        if message is None:
            yield self._read_file(file, name)
        elif depth < _MAX_DEPTH and not self._parts.is_time_over:
            yield from self._own_texts(message)
            yield from self._attached_texts(message, depth=depth + 1)

    def _read_file(self, file: AttachedFile, name: str) -> str:
        if self._parts.is_time_over:
            self._parts.add_unread(name, SkipReason.TIMEOUT)
            return ""
        content = file.content()
        if isinstance(content, bytes):
            return self._parts.read(content, name.encode("utf-8", "replace"))
        self._parts.add_unread(name, content)
        return ""


def _receivers(item: OutlookItem) -> dict[int, list[str]]:
    """The receivers by the numbers of their roles."""
    found: dict[int, list[str]] = {number: [] for number, _ in _ROLES.values()}
    for receiver in islice(item.receivers(), _MAX_RECEIVERS):
        addresses = (receiver.text(_INTERNET_ADDRESS), receiver.text(_ADDRESS))
        person = _person(receiver.text(_NAME), *addresses)
        people = found.get(receiver.number(_ROLE) or 1, [])
        if person and person not in people:
            people.append(person)
    return found


def _named_fields(message: Properties, names: Names) -> Iterator[tuple[str, str]]:
    """Yield what appointments, tasks and contacts have, and the categories of anything."""
    all_day = names.number(_APPOINTMENTS, _ALL_DAY)
    is_all_day = bool(all_day and message.number(all_day))
    for label, name_set, name in _MOMENTS:
        number = names.number(name_set, name)
        moment = message.moment(number) if number else None
        if moment:
            yield label, _day(moment) if is_all_day or label == "Due" else f"{moment:%Y-%m-%d %H:%M} UTC"
    for label, name_set, name in _NAMED_TEXTS:
        if number := names.number(name_set, name):
            yield label, message.text(number)
    if message.text(_CLASS).startswith(_CONTACT):
        yield from ((label, message.text(number)) for label, number in _CONTACT_TEXTS)
        birthday = message.moment(_BIRTHDAY)
        yield "Birthday", _day(birthday) if birthday else ""
    if number := names.number(PUBLIC_NAMES, "Keywords"):
        yield "Keywords", ", ".join(message.texts(number))


def senders(message: Properties) -> list[str]:
    """Whom a message is from, and who sent it if that is somebody else."""
    people = (_person(*map(message.text, numbers)) for numbers in _SENDERS)
    return list(dict.fromkeys(filter(None, people)))


def _person(name: str, *addresses: str) -> str:
    """A name, and the address on the internet, which not all have: others are known only to a server."""
    address = next((address for address in addresses if "@" in address and address[0] != "/"), "")
    name = name.strip(" '")
    return name if not address or address == name else f"{name} <{address}>" if name else address


def _date(moment: datetime | None) -> str:
    """A moment as in messages, and its day as people sort it."""
    return f"{email.utils.format_datetime(moment)} ({moment:%Y-%m-%d})" if moment else ""


def _day(moment: datetime) -> str:
    """The day that begins at this moment in the time of a person, which is at most half a day away."""
    return f"{moment + timedelta(hours=12):%Y-%m-%d}"


def _in_utf8(page: bytes, charset: str | None) -> bytes:
    """A page of HTML in UTF-8, or as it is where it is in another charset than it states."""
    for codec in filter(None, ("utf-8", charset)):
        try:
            return page.decode(codec).encode("utf-8")
        except UnicodeDecodeError:
            continue
    return page
