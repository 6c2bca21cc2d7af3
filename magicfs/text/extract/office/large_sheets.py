"""Cuts the sheets of a workbook that are too large for kreuzberg, which keeps all cells in memory, to their first rows.

Runs in the child process, called by `running_text`. Tables of a million rows have more text than is kept of a file, and
take more memory than a file may. Pure functions.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

from magicfs.domain.files import SkipReason
from magicfs.text.extract.documents.file_parts import DAMAGE, WHAT_FOLLOWS, FileParts
from magicfs.text.extract.office.repacking import repacked

MAX_SHEET_BYTES: Final = 56 << 20
"""The sheets of a workbook that are read, unpacked: some 14 MB of text, and most of the memory for a file."""
_SHEET: Final = re.compile(r"xl/worksheets/[^/]+\.xml")
_ROW_ENDS: Final = re.compile(rb"</((?:\w{1,20}:)?)row\s*>")
_ROW: Final = re.compile(rb"<(?:\w{1,20}:)?row\b[^<>]{0,300}?\sr=\"(\d{1,7})\"")
_TEXTS: Final = "xl/sharedStrings.xml"
MAX_TEXTS_BYTES: Final = 32 << 20
"""The different texts of a workbook that are read, unpacked, where its sheets are too large too."""
_TEXT, _TEXT_END, _NO_TEXT = b"<si", b"</si>", b"<si><t/></si>"
_LAST_BYTES: Final = 1 << 20
"""What is looked at of a part for the end of a row."""


def with_first_rows(content: bytes, *, parts: FileParts) -> bytes:
    """A workbook whose sheets have as many rows as can be read. What follows is counted.

    The same bytes where all can be read, or where the workbook is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as workbook:
            sheets = [member for member in workbook.infolist() if _SHEET.fullmatch(member.filename)]
            if sum(sheet.file_size for sheet in sheets) <= MAX_SHEET_BYTES:
                return content
            left, changed = MAX_SHEET_BYTES, {}
            texts = workbook.NameToInfo.get(_TEXTS)
            if texts is not None and texts.file_size > MAX_TEXTS_BYTES:
                changed[_TEXTS] = _first_texts(workbook, texts, parts)
            # Small sheets are whole, and large ones share what they leave.
            for count, sheet in enumerate(sorted(sheets, key=lambda sheet: sheet.file_size)):
                share = left // (len(sheets) - count)
                if sheet.file_size > share:
                    changed[sheet.filename] = _beginning(workbook, sheet, share, parts)
                left -= min(sheet.file_size, share)
            return repacked(workbook, changed=changed)
    except DAMAGE:
        return content


def _beginning(workbook: zipfile.ZipFile, sheet: zipfile.ZipInfo, size: int, parts: FileParts) -> bytes:
    """A sheet of so many bytes that ends after a row."""
    with workbook.open(sheet) as file:
        data = file.read(size)
    last = next(iter(list(_ROW_ENDS.finditer(data, max(0, len(data) - _LAST_BYTES)))[-1:]), None)
    end = last.end() if last else 0
    rows = _ROW.findall(data, max(0, end - _LAST_BYTES), end)
    after = f"row {rows[-1].decode()}" if rows else "the beginning"
    parts.add_unread(f"{sheet.filename}: {WHAT_FOLLOWS}{after}", SkipReason.TOO_LARGE)
    prefix = last[1] if last else b""
    return data[:end] + b"</%ssheetData></%sworksheet>" % (prefix, prefix) if last else b"<worksheet/>"


def _first_texts(workbook: zipfile.ZipFile, texts: zipfile.ZipInfo, parts: FileParts) -> bytes:
    """The texts of cells, which name them by their number: those that are left out are empty."""
    with workbook.open(texts) as file:
        data = file.read(MAX_TEXTS_BYTES)
        end = data.rindex(_TEXT_END) + len(_TEXT_END)
        left_out, before = 0, data[end:]
        while block := file.read(_LAST_BYTES):
            left_out += (before + block).count(_TEXT)
            before = block[-len(_TEXT) + 1 :]
    parts.add_unread(f"{texts.filename}: {WHAT_FOLLOWS}text {data.count(_TEXT, 0, end)}", SkipReason.TOO_LARGE)
    return data[:end] + left_out * _NO_TEXT + b"</sst>"
