from __future__ import annotations

import os
import stat
import struct

import pytest

from magicfs.domain.attributes import Attributes
from magicfs.fuse import protocol
from magicfs.fuse.protocol import EntryAttributes, ListingReply, OpenReply

FILE = Attributes(stat.S_IFREG | 0o644, 5, 1, 2, atime_ns=-1, mtime_ns=3_000_000_007, ctime_ns=11)


def test_a_time_before_1970_has_a_positive_part_of_a_second() -> None:
    packed = EntryAttributes(7, FILE).as_attributes()
    assert struct.unpack_from("=qqq", packed, 16 + 24) == (-1, 3, 0)
    assert struct.unpack_from("=III", packed, 16 + 48) == (999_999_999, 7, 11)


@pytest.mark.parametrize(("major", "minor"), [(1, 5), (259, 300), (8, 0xFFFFF)])
def test_device_numbers_survive_the_kernels_form(major: int, minor: int) -> None:
    device = Attributes(stat.S_IFBLK | 0o600, 0, 0, 0, 0, 0, 0, device=os.makedev(major, minor))
    (encoded,) = struct.unpack_from("=I", EntryAttributes(7, device).as_attributes(), 16 + 48 + 28)
    assert protocol.device_of_kernel(encoded) == os.makedev(major, minor)


def test_a_name_that_does_not_exist_has_the_number_0_and_a_time_to_be_kept() -> None:
    packed = EntryAttributes(0, None, 0.5).as_entry()
    assert len(packed) == 128
    assert struct.unpack_from("=QQQQII", packed) == (0, 0, 0, 0, 500_000_000, 0)


def test_a_listing_ends_where_its_room_does() -> None:
    reply = ListingReply(400)
    assert reply.add(b"a" * 9, EntryAttributes(7, FILE), 1)
    assert reply.add(b"b", EntryAttributes(8, FILE), 2)
    assert not reply.add(b"c", EntryAttributes(9, FILE), 3)
    assert len(reply.data) == 168 + 160
    assert struct.unpack_from("=QQII9s", reply.data, 128) == (7, 1, 9, stat.S_IFREG >> 12, b"a" * 9)


def request(valid: int) -> memoryview:
    times = (10, (1 << 64) - 1, 0, 1, 2, 0)
    return memoryview(struct.pack("=IIQQQQQQIIIIIIII", valid, 0, 77, 5, 0, *times[:3], *times[3:], 0o600, 0, 3, 4, 0))


def test_only_what_a_request_sets_is_changed() -> None:
    change, handle = protocol.attribute_change(request(1 << 4 | 1 << 5), now_ns=0)
    assert (change.atime_ns, change.mtime_ns, handle) == (10 * 10**9 + 1, -(10**9) + 2, None)
    assert (change.size, change.mode, change.uid, change.gid) == (None, None, None, None)
    change, handle = protocol.attribute_change(request(0b1001111 | 1 << 7), now_ns=99)
    assert (change.size, change.mode, change.uid, change.gid, handle) == (5, 0o600, 3, 4, 77)
    assert (change.atime_ns, change.mtime_ns) == (99, None)


def test_a_kernel_gets_only_what_it_offers() -> None:
    reply = protocol.init_reply(7, 4096, protocol.Capability.ASYNC_READ, wanted=protocol.WANTED)
    assert len(reply) == 64
    assert struct.unpack_from("=IIII", reply) == (7, 38, 4096, protocol.Capability.ASYNC_READ)


def test_an_open_file_says_what_the_kernel_may_keep() -> None:
    assert OpenReply(9, keep_cache=True, cache_listing=True).packed() == struct.pack("=QII", 9, 2 | 8, 0)
