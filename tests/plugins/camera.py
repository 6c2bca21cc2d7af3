"""Files of cameras and phones for tests, without pictures: HEIC, raw files, and what Photoshop makes of them."""

from __future__ import annotations

import io
import struct

from PIL import ExifTags, Image

from tests.plugins.films import atom


def exif(camera: str, *, latitude: float = 0.0, order: str = ">") -> bytes:
    """The data of a camera, in TIFF, with a day in August 2021. `order` is that of the bytes in numbers."""
    data = Image.Exif()
    data.endian = order
    data[ExifTags.Base.Model] = camera
    data[ExifTags.Base.DateTime] = "2021:08:09 10:00:00"
    if latitude:
        gps = data.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (latitude, 0.0, 0.0)
        gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (8.5, 0.0, 0.0)
    return data.tobytes().removeprefix(b"Exif\0\0")


def heic(data: bytes, *, xmp: bytes = b"") -> bytes:
    """A photograph of a phone, whose data stand behind the lists of what is in the file."""
    items = {b"Exif": struct.pack(">I", 6) + b"Exif\0\0" + data, b"mime": xmp}
    entries = b"".join(
        _full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0application/rdf+xml\0", version=2)
        for number, kind in enumerate(items, start=1)
    )
    information = _full(b"iinf", struct.pack(">H", len(items)) + entries)
    head = atom(b"ftyp", b"heic\0\0\0\0mif1heic")
    meta = b""
    for _ in range(2):  # the second time, the length of the lists is known
        begin = len(head) + len(meta) + 8
        places = b""
        for number, item in enumerate(items.values(), start=1):
            places += struct.pack(">HHHII", number, 0, 1, begin, len(item))
            begin += len(item)
        location = _full(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + places)
        meta = _full(b"meta", _full(b"hdlr", bytes(4) + b"pict" + bytes(13)) + information + location)
    return head + meta + atom(b"mdat", b"".join(items.values()))


def canon_raw(data: bytes, place: bytes) -> bytes:
    """A raw file of Canon, which keeps the parts of its data apart."""
    parts = atom(b"CMT1", data) + atom(b"CMT4", place)
    uuid = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    return atom(b"ftyp", b"crx \0\0\0\1crx isom") + atom(b"moov", atom(b"uuid", uuid + parts))


def fuji_raw(data: bytes) -> bytes:
    """A raw file of Fuji, with the picture that the camera shows."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG", exif=b"Exif\0\0" + data)
    shown = picture.getvalue()
    return b"FUJIFILMCCD-RAW 0201".ljust(84, b"\0") + struct.pack(">II", 148, len(shown)) + bytes(56) + shown


def photoshop(*, text: str, layer: str, xmp: bytes) -> bytes:
    """A picture of Photoshop with a layer of text."""
    stated = b"8BIM" + struct.pack(">H", 1060) + b"\0\0" + struct.pack(">I", len(xmp)) + xmp + bytes(len(xmp) % 2)
    wide = text.encode("utf-16-be").replace(b"(", b"\\(").replace(b")", b"\\)")
    named = layer.encode("utf-16-be")
    layers = b"/Text (\xfe\xff" + wide + b")" + b"8BIMluni" + struct.pack(">II", 4 + len(named), len(layer)) + named
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 10, 10, 8, 3) + bytes(4)
    return head + struct.pack(">I", len(stated)) + stated + struct.pack(">I", len(layers)) + layers


def _full(kind: bytes, data: bytes, *, version: int = 0) -> bytes:
    return atom(kind, bytes([version, 0, 0, 0]) + data)
