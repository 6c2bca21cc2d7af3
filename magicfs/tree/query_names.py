"""Which names below `search/` a person may have typed, and which ones only programs ask for.

Pure. File managers, shells and version control look for files of their own wherever they go; each of those would
be a search for nothing. There is no such directory, so that they go on looking elsewhere.
"""

from __future__ import annotations

import re

_PROBED = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "autorun.inf",
        "lost+found",
        "$recycle.bin",
        "system volume information",
        "__macosx",
        "__pycache__",
        "icon\r",
    }
)
# Temporary and partial files, and locks; archives and disk images, which file managers offer to look into; and what
# a desktop keeps beside other files.
_ENDINGS = """
    tmp temp swp swo swx bak part partial crdownload download filepart lock lck pid
    zip rar 7z tar gz tgz bz2 tbz xz txz zst lz lz4 lzma cab iso img dmg jar war deb rpm apk cpio
    lnk url desktop directory icns
"""
_PASSING = frozenset(_ENDINGS.split())
_FILE_NAME = re.compile(r"[^\s.:\"][^:\"]*\.([A-Za-z0-9]{1,12})$|[^\s.:\"]\.([A-Za-z0-9]{1,12})$")
_LAST_WORD = re.compile(r"\S+$")


def plausible(name: bytes) -> bool:
    """Whether a name can be a search."""
    text = name.decode("utf-8", "replace")
    if text.startswith((".", "~", "#")) or text.endswith("~") or text.casefold() in _PROBED:
        return False
    if not any(character.isalnum() for character in text):
        return False
    last = _LAST_WORD.search(text)
    ending = _FILE_NAME.match(last[0]) if last else None
    return ending is None or (ending[1] or ending[2]).lower() not in _PASSING
