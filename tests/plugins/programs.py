"""Programs of the system that tests run: `infra/setup.sh --dev` installs them where it may."""

from __future__ import annotations

import os
import shutil

import pytest

# Folders that are not in the `PATH` of every user.
os.environ["PATH"] += ":/usr/sbin:/sbin"

INSTALLED = ("ed", "git", "ip", "mkfs.ext4", "openssl", "patch", "rsync", "sqlite3", "tesseract", "vim")
"""What the script installs."""


def lacks(program: str) -> bool:
    """Whether the tests that need a program are skipped. In CI they fail instead."""
    return shutil.which(program) is None and not (program in INSTALLED and "CI" in os.environ)


def needs(program: str) -> pytest.MarkDecorator:
    """The mark of a test that runs a program."""
    advice = ": run 'infra/setup.sh --dev'" if program in INSTALLED else ""
    return pytest.mark.skipif(lacks(program), reason=f"{program} is not installed{advice}")
