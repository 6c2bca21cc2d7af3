"""`read_own_format`: gives documents that kreuzberg does not read, or not well, to the reader of their type.

Runs in the child process, called by `document_parser`, which has the readers that read other files on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from magicfs.domain.contents import Document, Unreadable
from magicfs.text.extract.documents import container, xml_documents
from magicfs.text.extract.documents.dbase_tables import DBASE_TYPE, read_dbase_table
from magicfs.text.extract.documents.diagrams import DIAGRAM_TYPE, read_diagram
from magicfs.text.extract.documents.djvu_documents import DJVU_TYPE, read_djvu
from magicfs.text.extract.documents.document_parts import with_embedded
from magicfs.text.extract.documents.file_parts import FileParts
from magicfs.text.extract.documents.help_files import HELP_TYPE, read_help
from magicfs.text.extract.documents.notebooks import NOTEBOOK_TYPE, read_notebook
from magicfs.text.extract.documents.plists import PLIST_TYPE, read_plist
from magicfs.text.extract.documents.spss_files import SPSS_TYPE, read_spss
from magicfs.text.extract.documents.stata_files import STATA_TYPE, read_stata
from magicfs.text.extract.documents.web_archives import WARC_TYPE, read_web_archive
from magicfs.text.extract.documents.xps_documents import XPS_TYPE, read_xps
from magicfs.text.extract.documents.zipped_pages import ZIPPED_PAGES_TYPES, read_map, read_zipped_pages
from magicfs.text.extract.mail.outlook_files import OUTLOOK_TYPE, read_outlook
from magicfs.text.extract.mail.tnef import TNEF_TYPE, read_tnef
from magicfs.text.extract.media.metafiles import DRAWING_TYPES, read_metafile
from magicfs.text.extract.office.excel_files import OLD_WORKBOOK_TYPE
from magicfs.text.extract.office.hangul_files import HANGUL_TYPE, read_hangul
from magicfs.text.extract.office.iwork_files import IWORK_TYPES, read_iwork
from magicfs.text.extract.office.office_xml import OFFICE_XML_TYPES, read_office_xml
from magicfs.text.extract.office.old_iwork_files import OLD_IWORK_TYPE, read_old_iwork
from magicfs.text.extract.office.old_office import OLDEST_TYPES, read_old_workbook, read_oldest
from magicfs.text.extract.office.onenote_files import ONENOTE_TYPE, read_onenote
from magicfs.text.extract.office.project_files import PROJECT_TYPE, read_project
from magicfs.text.extract.office.publisher_files import PUBLISHER_TYPE, WORKS_TYPE, read_publication
from magicfs.text.extract.office.visio_files import VISIO_TYPE, read_drawing
from magicfs.text.extract.office.wordperfect_files import WORDPERFECT_TYPE, read_wordperfect

Outcome = Document | Unreadable | None
"""None leaves a document to kreuzberg."""


class _ReaderOfParts(Protocol):
    """Reads a document and the files inside of it, which it counts as its parts."""

    def __call__(self, content: bytes, /, *, parts: FileParts) -> Outcome:
        """The outcome. May raise any exception."""


def _read_old_workbook(content: bytes, *, parts: FileParts) -> Outcome:
    book = read_old_workbook(content, parts=parts)
    return None if book is None else with_embedded(book, content, OLD_WORKBOOK_TYPE, parts=parts)


_READERS: Final[dict[str, Callable[[bytes], Outcome]]] = {
    NOTEBOOK_TYPE: read_notebook,
    WORDPERFECT_TYPE: read_wordperfect,
    **{each: partial(read_publication, mime_type=each) for each in (PUBLISHER_TYPE, WORKS_TYPE)},
    VISIO_TYPE: read_drawing,
    **dict.fromkeys(DRAWING_TYPES, read_metafile),
    **{each: partial(read_oldest, mime_type=each) for each in OLDEST_TYPES},
}
_READERS_OF_PARTS: Final[dict[str, _ReaderOfParts]] = {
    OLD_WORKBOOK_TYPE: _read_old_workbook,
    XPS_TYPE: read_xps,
    WARC_TYPE: read_web_archive,
    DIAGRAM_TYPE: read_diagram,
    DBASE_TYPE: read_dbase_table,
    DJVU_TYPE: read_djvu,
    HELP_TYPE: read_help,
    SPSS_TYPE: read_spss,
    STATA_TYPE: read_stata,
    PLIST_TYPE: read_plist,
    TNEF_TYPE: read_tnef,
    OUTLOOK_TYPE: read_outlook,
    HANGUL_TYPE: read_hangul,
    ONENOTE_TYPE: read_onenote,
    PROJECT_TYPE: read_project,
    OLD_IWORK_TYPE: read_old_iwork,
    container.KMZ: read_map,
    **{each: partial(read_zipped_pages, mime_type=each) for each in ZIPPED_PAGES_TYPES},
    **{each: partial(read_iwork, mime_type=each) for each in IWORK_TYPES},
    **{each: partial(read_office_xml, mime_type=each) for each in OFFICE_XML_TYPES},
}


def read_own_format(content: bytes, exact_type: str, *, parts: FileParts) -> Outcome:
    """The outcome for a document of a type that has a reader here; None for any other. May raise any exception."""
    if (reader := _READERS.get(exact_type)) is not None:
        return reader(content)
    if (reader_of_parts := _READERS_OF_PARTS.get(exact_type)) is not None:
        return reader_of_parts(content, parts=parts)
    if xml_documents.FLAT_TYPE.fullmatch(exact_type):
        return xml_documents.read_flat_opendocument(content, exact_type, parts=parts)
    return None
