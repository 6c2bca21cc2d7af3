"""The names that programs look for in every directory, below `search/`: no query, so that no search is wasted on them.

Every other name is a query, whatever it looks like: people type `.NET`, `functools.partial` and `🎉`. Each entry says
which program asks for it. Used by `searches`. Pure.
"""

from __future__ import annotations

import re
from typing import Final

PROBED_NAMES: Final[dict[str, str]] = {
    ".git": "git, shells that show the branch, editors",
    ".hg": "Mercurial and the same shells and editors",
    ".svn": "Subversion and the same shells and editors",
    ".bzr": "Breezy and the same shells",
    ".jj": "Jujutsu and the same shells",
    "_darcs": "Darcs and the same shells",
    "cvs": "Emacs and shells that show the branch",
    ".gitignore": "git, ripgrep, fd",
    ".ignore": "ripgrep, fd, ag",
    ".rgignore": "ripgrep",
    ".fdignore": "fd",
    ".editorconfig": "editors",
    ".dir-locals.el": "Emacs",
    ".envrc": "direnv",
    ".nomedia": "media scanners",
    ".trackerignore": "GNOME's Tracker",
    ".nobackup": "backup programs",
    "cachedir.tag": "tar, borg, restic",
    ".hidden": "GNOME's and KDE's file managers",
    ".directory": "KDE's file manager",
    ".trash": "file managers, for the trash of a volume",
    ".xdg-volume-info": "GNOME, for a volume's icon",
    ".autorun": "GNOME, for a volume that starts a program",
    "autorun.inf": "GNOME and Windows, for the same",
    "autorun.sh": "GNOME, for the same",
    "lost+found": "find, backup programs",
    ".ds_store": "macOS's file manager",
    ".localized": "macOS's file manager",
    ".metadata_never_index": "macOS's Spotlight",
    ".volumeicon.icns": "macOS, for a volume's icon",
    "icon\r": "macOS, for a directory's icon",
    "__macosx": "macOS's archive utility",
    "desktop.ini": "Windows's file manager, Samba",
    "folder.jpg": "Windows's file manager, media players",
    "thumbs.db": "Windows's file manager",
    "ehthumbs.db": "Windows's media center",
    "$recycle.bin": "Windows, for the trash of a volume",
    "system volume information": "Windows",
}
"""Name in lower case, and who asks for it."""

_NUMBERED: Final = re.compile(
    r"\.trash-\d+"  # file managers, for the trash of a user
    r"|\._.+"  # macOS, for the second fork of a file
    r"|\.~lock\..+#"  # LibreOffice, before it opens a file
    r"|\..+\.sw[a-z]"  # vim, before it opens a file
    r"|\.#.+"  # Emacs, before it changes a file
    r"|\.goutputstream-[a-z0-9]+"  # GNOME, while it saves a file
    r"|\.fuse_hidden[0-9a-f]+"  # libfuse, for a deleted file that is open
    r"|\.nfs[0-9a-f]+",  # NFS, for the same
)
"""Names that differ in a number or in the name of a file."""


def is_probed(name: str) -> bool:
    """Whether a program asks for this name, in any case."""
    folded = name.casefold()
    return folded in PROBED_NAMES or _NUMBERED.fullmatch(folded) is not None
