"""Room is what this account may still write, where the folder is."""

from __future__ import annotations

import os

import pytest

from service.third_party.disk import LEAST_FREE, free_bytes
from tests.failing_disks import SmallDisk, has_small_disk, own_namespace

MIB = 1 << 20


def test_a_gibibyte_is_the_least():
    """Enough for the uploads of a run that is under way to end."""
    assert 1024 * MIB == LEAST_FREE


def test_room_is_that_of_the_file_system_of_the_folder(tmp_path):
    """The blocks that the system says are left to accounts without privilege, not those that it keeps for itself."""
    before = os.statvfs(tmp_path)
    found = free_bytes(tmp_path)
    after = os.statvfs(tmp_path)
    bounds = sorted(one.f_bavail * one.f_frsize for one in (before, after))
    assert bounds[0] - 64 * MIB <= found <= bounds[1] + 64 * MIB  # others write meanwhile
    assert found <= before.f_blocks * before.f_frsize


def test_what_is_written_is_missing_afterwards(request: pytest.FixtureRequest):
    """A small disk, filled but for a known number of bytes."""
    if not has_small_disk():
        own_namespace(request.node.nodeid)
        return
    disk = SmallDisk(16)
    try:
        empty = free_bytes(disk.place)
        with disk.filled(4 * MIB):
            assert 4 * MIB - MIB // 2 <= free_bytes(disk.place) <= 4 * MIB
        assert empty - MIB // 2 <= free_bytes(disk.place) <= empty + MIB // 2
    finally:
        disk.close()


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    """Not zero, which would say that the disk is full."""
    with pytest.raises(FileNotFoundError):
        free_bytes(tmp_path / "missing")
