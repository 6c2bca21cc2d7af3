"""What is read of a large recording says the same as the whole one."""

from __future__ import annotations

import pytest

from magicfs.text.extract.media.recording_excerpt import MAX_EXCERPT_BYTES, excerpt_of_recording, has_excerpt
from magicfs.text.extract.media.recordings import read_recording
from tests.plugins.documents import song
from tests.plugins.films import camera_film, film, phone_film

MANY_BYTES = 3 << 20
TAGS = {"ARTIST": "Halvard Moen"}


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [
        (film(title="Narwhal", chapter="Ice", tags=TAGS, cluster_bytes=MANY_BYTES), "video/x-matroska"),
        (film(title="Narwhal", chapter="Ice", tags=TAGS, cluster_bytes=MANY_BYTES, tags_last=True), "video/x-matroska"),
        (phone_film({"com.apple.quicktime.title": "The fountain"}, pictures_bytes=MANY_BYTES), "video/mp4"),
        (camera_film(made=200 << 24, pictures_bytes=MANY_BYTES), "video/mp4"),
        (song(title="Lied der Wolga") + bytes(MAX_EXCERPT_BYTES), "audio/mpeg"),
    ],
)
def test_an_excerpt_says_what_the_recording_says(content: bytes, mime_type: str) -> None:
    assert has_excerpt(f"{mime_type} media")
    reads = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        return content[offset : offset + length]

    excerpt = excerpt_of_recording(read, len(content))
    assert len(excerpt) <= MAX_EXCERPT_BYTES < len(content) or len(excerpt) < MANY_BYTES < len(content)
    assert reads < 10
    said = read_recording(content, mime_type)
    assert said is not None
    assert read_recording(excerpt, mime_type) == said


@pytest.mark.parametrize("head", [b"\0\0\0\x10ftypisom" + bytes(40), b"\x1aE\xdf\xa3\x80", b"\x1aE\xdf\xa3" * 9, b"x"])
def test_an_excerpt_of_a_damaged_film_ends(head: bytes) -> None:
    assert len(excerpt_of_recording(lambda offset, length: head[offset : offset + length], 1 << 40)) <= 2 * len(head)
