"""Programs of the system that tests run: `infra/setup.sh --dev` installs them where it may."""

from __future__ import annotations

import os
import shutil

import pytest

ADMINISTRATORS = "/usr/sbin:/sbin"
"""Folders that are not in the `PATH` of every user."""

INSTALLED = ("ed", "git", "ip", "mkfs.ext4", "openssl", "patch", "rsync", "sqlite3", "tesseract", "vim")
"""What the script installs."""


def lacks(program: str) -> bool:
    """Whether the tests that need a program are skipped. In CI they fail instead."""
    known = shutil.which(program, path=f"{os.environ['PATH']}:{ADMINISTRATORS}")
    return known is None and not (program in INSTALLED and "CI" in os.environ)


def needs(program: str) -> pytest.MarkDecorator:
    """The mark of a test that runs a program."""
    advice = ": run 'infra/setup.sh --dev'" if program in INSTALLED else ""
    return pytest.mark.skipif(lacks(program), reason=f"{program} is not installed{advice}")
