"""Recognises files that are encrypted as a whole: messages and files of OpenPGP and age, vaults of passwords, disks.

Used by `detect` on the first bytes of every file. Files that OpenPGP has only signed, and its keys, are none of them.
Pure functions; any thread.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_PGP_TYPE: Final = "application/pgp-encrypted"
_BEGINNINGS: Final = (
    (b"age-encryption.org/v1\n", "application/age-encryption"),
    (b"-----BEGIN AGE ENCRYPTED FILE-----", "application/age-encryption"),
    (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", "application/x-keepass2"),
    (b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5", "application/x-keepass"),
    (b"Salted__", "application/x-openssl-encrypted"),
    (b"U2FsdGVkX1", "application/x-openssl-encrypted"),
    (b"$ANSIBLE_VAULT;", "application/x-ansible-vault"),
    (b"\0GITCRYPT\0", "application/x-git-crypt"),
    (b"AES\x02\0", "application/x-aes-encrypted"),
    (b"LUKS\xba\xbe", "application/x-luks"),
    (b"encrcdsa", "application/x-apple-diskimage"),
)
_ARMOURED: Final = re.compile(
    rb"\s{0,9}-----BEGIN PGP MESSAGE-----[ \t]{0,9}\r?\n(?:[A-Za-z][^\n]{0,200}: [^\n]{0,200}\n){0,9}\s{0,9}"
    rb"([A-Za-z0-9+/]{24})"
)
"""A message of OpenPGP in ASCII, and the beginning of its packets."""
_PACKET, _NEW_FORMAT, _LENGTH_BITS = 0x80, 0x40, 0x03
_LENGTH_OF_TWO_BYTES: Final = 0xC0
"""The least first byte of a length of a packet of the new format that takes two bytes (RFC 9580)."""
_LENGTH_BYTES: Final = (1, 2, 4, 0)
"""The sizes that the length of a packet of the old format may have; one without lasts to the end of the file."""
_FOR_A_KEY, _FOR_A_PASSWORD = 1, 3
"""Packets before what is encrypted: the session's key for the key of somebody, or for a password (RFC 9580)."""
_KEY_VERSIONS, _PASSWORD_VERSIONS = frozenset({3, 6}), frozenset({4, 5, 6})
_PUBLIC_KEY_ALGORITHMS: Final = frozenset({1, 2, 16, 18, 25, 26})
_MAX_CIPHER: Final = 13
_ALGORITHM_PLACE: Final = 9
"""The version and the number of the key come before it."""
_VERSION_OF_LONG_KEYS: Final = 6
_MIN_HEAD_BYTES: Final = 16


def encrypted_type(head: bytes) -> str | None:
    """The MIME type of a file that is encrypted as a whole, by its first bytes; None for any other file."""
    for beginning, mime_type in _BEGINNINGS:
        if head.startswith(beginning):
            return mime_type
    if armoured := _ARMOURED.match(head):
        try:
            head = base64.b64decode(armoured[1])
        except binascii.Error:
            return None
    return _PGP_TYPE if _begins_with_session_key(head) else None


def _begins_with_session_key(head: bytes) -> bool:
    """Whether the first packet of OpenPGP holds the key of what is encrypted after it."""
    if len(head) < _MIN_HEAD_BYTES or not head[0] & _PACKET:
        return False
    if head[0] & _NEW_FORMAT:
        kind = head[0] & 0x3F
        body = head[2:] if head[1] < _LENGTH_OF_TWO_BYTES else head[3:]
    else:
        kind = head[0] >> 2 & 0x0F
        body = head[1 + _LENGTH_BYTES[head[0] & _LENGTH_BITS] :]
    if kind == _FOR_A_KEY and body[0] in _KEY_VERSIONS:
        return body[0] == _VERSION_OF_LONG_KEYS or body[_ALGORITHM_PLACE] in _PUBLIC_KEY_ALGORITHMS
    return kind == _FOR_A_PASSWORD and body[0] in _PASSWORD_VERSIONS and 0 < body[1] <= _MAX_CIPHER
