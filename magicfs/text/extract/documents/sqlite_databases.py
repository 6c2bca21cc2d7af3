"""Reads the texts in databases of SQLite, in which programs keep notes, chats, catalogues and decks of cards.

Runs in the child process, called by `document_parser`. The standard library reads a copy in memory, without a program
that a schema may hold. Numbers and what only programs know, such as UUIDs and settings, are left out. One thread.
"""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from magicfs.domain.contents import Document, Unreadable
from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.plain.plain_text import clean

DATABASE_TYPE: Final = "application/vnd.sqlite3"

_VERSIONS: Final = slice(18, 20)
_WITHOUT_LOG: Final = b"\1\1"
"""The versions of a database without a log beside it: one with a log cannot be in memory. The log is not read."""
_PAGE_BYTES, _PAGES = slice(16, 18), slice(28, 32)
"""The bytes of a page, where 1 stands for the largest ones, and the pages of the database."""
_LARGEST_PAGE_BYTES: Final = 65_536
_READS: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
_FUNCTIONS: Final = frozenset({"typeof", "substr"})
_MAX_TABLES: Final = 500
_MAX_COLUMNS: Final = 200
_MAX_CELL_CHARACTERS: Final = 200_000
_STEPS_BETWEEN_CHECKS: Final = 10_000
_VIRTUAL: Final = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
_COLLATION: Final = re.compile(
    r"\bCOLLATE\s*(?:\"([^\"]{1,100})\"|'([^']{1,100})'|`([^`]{1,100})`|\[([^\]]{1,100})\]|(\w{1,100}))", re.IGNORECASE
)
"""How a table compares a column: some have rules of their program, without which not all tables can be read."""
_BUILT_IN_COLLATIONS: Final = frozenset({"binary", "nocase", "rtrim"})
_OF_PROGRAMS: Final = re.compile(
    r"[0-9A-Fa-f{}-]{16,}"
    r"|(?!(?:[^\W\d_]+|\d+)(?:[_-](?:[^\W\d_]+|\d+))+\Z)"
    r"(?=\D{0,99}\d)(?=[^A-Z]{0,99}[A-Z])(?=[^a-z]{0,99}[a-z])[\w+/=-]{16,99}"
    r"|[\W\d_]*"
    r"|[{\[]\s*(?:\"[^\"]{0,2000}\"\s*[:,\]]|[{\[]\s*[\"{\[\d-]).*",
    re.DOTALL,
)
"""A cell that is an identifier, has no letter, or is what a program keeps in JSON, such as its settings."""
_OF_INDEX: Final = (
    "config",
    "content",
    "data",
    "docsize",
    "idx",
    "node",
    "parent",
    "rowid",
    "segdir",
    "segments",
    "stat",
)
"""How the names of the tables end that an index of texts or of places keeps for itself, behind its own name."""
_INDEXED: Final = "_content"
"""How the name of the one ends that has the texts of an index: mostly, these are in another table too."""
_WORD: Final = re.compile(r"\w+")
_IDENTIFIERS: Final = frozenset({"guid", "uuid"})
"""Names of columns, in small letters."""
_TAG: Final = re.compile(
    r"<(?:(?:a|b|big|blockquote|body|br|center|code|dd|del|div|dl|dt|em|en-note|font|h[1-6r]|head|html|i|ins|kbd|li|mark"
    r"|ol|p|pre|q|ruby|r[pt]|s|script|section|small|span|strike|strong|style|su[bp]|table|tbody|td|th|thead|tr|tt|ul?)\s*/?"
    r"|/[a-z][\w:-]{0,40}\s*|[a-z][\w:-]{0,40}\s[^<>=]{0,2000}=[^<>]{0,2000}|!--[^<>]{0,2000}--)>",
    re.IGNORECASE,
)
"""A tag of HTML, not an address or code in angle brackets."""
_BREAK: Final = re.compile(r"<(?:br|/?p|/?div|/?li|/?tr|hr)\b[^<>]{0,200}>", re.IGNORECASE)
_SEPARATOR_OF_FIELDS: Final = "\x1f"
"""What stands between the sides of a card of Anki."""


class _Table(NamedTuple):
    """A table that is read."""

    name: str
    title: str
    columns: list[str]
    is_of_index: bool
    """Whether only those of its texts are read that no table before has."""


class _Shown:
    """The texts of cells that were read, as far as they have words."""

    def __init__(self, *, is_needed: bool) -> None:
        self._is_needed = is_needed
        self._of_tables_before: set[int] = set()
        self._of_table: set[int] = set()

    def begin_table(self) -> None:
        """Take note that the cells that follow are those of another table."""
        self._of_tables_before |= self._of_table
        self._of_table.clear()

    def is_new(self, cell: str) -> bool:
        """Whether no cell of a table before had these words."""
        if not self._is_needed:
            return True
        key = hash(" ".join(_WORD.findall(cell.lower())))
        self._of_table.add(key)
        return key not in self._of_tables_before


def read_database(content: bytes, *, parts: FileParts, max_characters: int) -> Document | Unreadable:
    """The texts of a database, table by table, while there is time for parts. A damaged table is counted.

    Raises `sqlite3.Error` for a damaged database.
    """
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(_as_it_stands(content))
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.text_factory = _decoded
        tables = _tables(connection)
        connection.set_authorizer(_allowed)
        connection.set_progress_handler(lambda: parts.is_time_over, _STEPS_BETWEEN_CHECKS)
        text = "\n\n".join(_texts(connection, tables, parts=parts, max_characters=max_characters))
    finally:
        connection.close()
    return Document(text=text, mime_type=DATABASE_TYPE) if text else Unreadable(SkipReason.NO_TEXT)


def _as_it_stands(content: bytes) -> bytearray:
    """A database that needs no log, and states no more pages than it has: SQLite reads nothing of one that is cut."""
    database = bytearray(content)
    database[_VERSIONS] = _WITHOUT_LOG
    page_bytes = int.from_bytes(content[_PAGE_BYTES], "big")
    pages = len(content) // (page_bytes if page_bytes > 1 else _LARGEST_PAGE_BYTES)
    if pages < int.from_bytes(content[_PAGES], "big"):
        database[_PAGES] = pages.to_bytes(4, "big")
    return database


def _allowed(action: int, _table: str | None, name: str | None, *_: str | None) -> int:
    """What reading may do: no functions of a schema, and nothing that changes or attaches databases."""
    is_allowed = action in _READS or (action == sqlite3.SQLITE_FUNCTION and name in _FUNCTIONS)
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _tables(connection: sqlite3.Connection) -> list[_Table]:
    """The tables; those with the texts of an index come last."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchmany(_MAX_TABLES)
    for collation in {"".join(found).lower() for _, sql in rows for found in _COLLATION.findall(sql or "")}:
        if collation not in _BUILT_IN_COLLATIONS:
            connection.create_collation(collation, _compared)
    virtual = {name for name, sql in rows if _VIRTUAL.match(sql or "")}
    of_indexes = virtual.union(f"{name}_{end}" for name in virtual for end in _OF_INDEX)
    names = [name for name, _ in rows if not name.startswith("sqlite_") and name not in of_indexes and "\0" not in name]
    indexes = sorted(virtual.intersection(name.removesuffix(_INDEXED) for name, _ in rows if name.endswith(_INDEXED)))
    return [
        *(_Table(name, name, _columns(connection, name), is_of_index=False) for name in names),
        *(_Table(name + _INDEXED, name, _columns(connection, name + _INDEXED), is_of_index=True) for name in indexes),
    ]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return [column for (column,) in rows][:_MAX_COLUMNS]


def _texts(
    connection: sqlite3.Connection, tables: list[_Table], *, parts: FileParts, max_characters: int
) -> Iterator[str]:
    """Yield the text of each table that has any: its name, and its rows."""
    left = max_characters
    shown = _Shown(is_needed=any(table.is_of_index for table in tables))
    for table in tables:
        name = table.title
        if left <= 0 or parts.is_time_over:
            reason = SkipReason.TOO_LARGE if left <= 0 else SkipReason.TIMEOUT
            parts.add_unread(f"table {name} and what follows", reason)
            return
        if not table.columns:  # a damaged name is that of no table
            parts.add_unread(f"table {name}")
            continue
        lines: list[str] = []
        shown.begin_table()
        try:
            for line in _rows(connection, table, shown, parts):
                lines.append(line)
                left -= len(line)
                if left <= 0:
                    break
        except (sqlite3.Error, UnicodeDecodeError):  # the error names what is damaged
            parts.add_unread(f"table {name}", SkipReason.TIMEOUT if parts.is_time_over else SkipReason.CORRUPT)
        else:
            parts.add()
        if lines:
            yield "\n".join([name, *lines])


def _rows(connection: sqlite3.Connection, table: _Table, seen: _Shown, parts: FileParts) -> Iterator[str]:
    """Yield the texts of each row that has any, with a line for each, or in one line if they are short.

    The rest of a cell that is too long is counted.
    """
    shown = ", ".join(
        f"CASE typeof({column}) WHEN 'text' THEN substr({column}, 1, {_MAX_CELL_CHARACTERS + 1}) END"
        for column in (_quoted(name) for name in table.columns if name.lower() not in _IDENTIFIERS)
    )
    if not shown:
        return
    # The names are those of the schema, and quoted; there is nothing to change but a copy.
    for row in connection.execute(f"SELECT {shown} FROM {_quoted(table.name)}"):  # noqa: S608
        cells: list[str] = []
        for whole in filter(None, row):
            cell = _shown(whole[:_MAX_CELL_CHARACTERS])
            is_new = seen.is_new(cell) or not table.is_of_index
            if is_new and not _OF_PROGRAMS.fullmatch(cell) and not any(_begins_with(other, cell) for other in cells):
                cells.append(cell)
                if len(whole) > _MAX_CELL_CHARACTERS:
                    parts.add_unread(f"what follows in a cell of table {table.title}", SkipReason.TOO_LARGE)
        if cells:
            yield ("\n" if any("\n" in cell for cell in cells) else "\t").join(cells)


def _begins_with(cell: str, words: str) -> bool:
    """Whether a cell has these words at its beginning: programs keep what they sort by a second time."""
    return cell.startswith(words) and not cell[len(words) : len(words) + 1].isalnum()


def _shown(cell: str) -> str:
    """A cell as a person sees it: without the markup of notes and cards."""
    text = cell.replace(_SEPARATOR_OF_FIELDS, "\n")
    if "<" in text and _TAG.search(text):
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    return clean(text).strip()


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _compared(one: str, other: str) -> int:
    return (one > other) - (one < other)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
