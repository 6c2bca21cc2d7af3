"""What the members of a package of Office refer to. Used in the child process by readers of such documents. Pure."""

from __future__ import annotations

import posixpath
import zipfile

from magicfs.text.extract.documents.xml_elements import parse_xml


def targets_of(container: zipfile.ZipFile, name: str) -> dict[str, tuple[str, str]]:
    """The kind of each relationship of a member, such as `notesSlide`, and the member that it names, by its number.

    Raises one of `DAMAGE`.
    """
    folder, base = posixpath.split(name)
    return {
        element.get("Id") or "": (
            posixpath.basename(element.get("Type") or ""),
            posixpath.normpath(posixpath.join("/", folder, element.get("Target") or ""))[1:],
        )
        for element in parse_xml(container.read(f"{folder}/_rels/{base}.rels"))
    }
