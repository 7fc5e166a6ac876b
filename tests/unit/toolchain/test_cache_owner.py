from __future__ import annotations

import grp
import os

import pytest

from fakes.machine import WANTED
from ferrule.app.doctor import examine as doctor
from ferrule.app.doctor.setup import setup
from ferrule.core.errors import StorageError
from ferrule.toolchain.cache_owner import check_cache_owner
from ferrule.toolchain.find import require
from ferrule.toolchain.record import load

OTHER = 12345


@pytest.fixture
def complete(machine):
    machine.complete()
    require(WANTED, machine.host())
    return machine


def test_a_cache_of_ones_own_will_do(complete):
    assert check_cache_owner(complete.host()) is None


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
@pytest.mark.parametrize("folder", [".", "tools", "toolchain", "tools/ziglang-0.17.0"])
def test_a_folder_that_everybody_can_write_is_refused(complete, folder, mode):
    path = (complete.cache / folder).resolve()
    path.chmod(mode)
    with pytest.raises(StorageError, match="can be written by other users") as refusal:
        require(WANTED, complete.host())
    assert refusal.value.where == str(path)
    assert refusal.value.hint.startswith(f"chmod -R go-w {path}")
    with pytest.raises(StorageError, match="can be written by other users"):
        setup(WANTED, complete.host(), [].append)
    rows = [f for f in doctor.examine(WANTED, complete.host(), probe=False) if f.tool == "cache"]
    assert [row.state for row in rows] == ["fault"]
    path.chmod(0o755)
    assert require(WANTED, complete.host()) == load(WANTED, complete.host())


def test_a_folder_that_everybody_can_rename_is_refused(complete):
    complete.root.chmod(0o777)
    assert f"everybody can rename folders in {complete.root}" in check_cache_owner(complete.host()).problem
    complete.root.chmod(0o1777)
    assert check_cache_owner(complete.host()) is None


def test_a_folder_of_a_shared_group_is_refused(complete):
    complete.cache.chmod(0o775)
    if os.geteuid() == 0:
        os.chown(complete.cache, 0, OTHER)
        assert "can be written by other users" in check_cache_owner(complete.host()).problem
    complete.cache.chmod(0o755)
    assert check_cache_owner(complete.host()) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_group_that_has_no_members_but_is_not_ones_own_is_refused(complete):
    other = next(g for g in grp.getgrall() if g.gr_gid != 0 and not g.gr_mem)
    complete.cache.chmod(0o775)
    os.chown(complete.cache, 0, other.gr_gid)
    assert "can be written by other users" in check_cache_owner(complete.host()).problem


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_of_another_user_is_refused(complete):
    os.chown(complete.cache / "tools", OTHER, OTHER)
    with pytest.raises(StorageError, match=f"belongs to {OTHER}"):
        require(WANTED, complete.host())
    assert check_cache_owner(complete.host(user=OTHER)) is None  # the rest is root's, which may write anywhere anyhow


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a group of its own on every system")
def test_the_group_of_one_user_is_that_user(complete):
    complete.cache.chmod(0o775)
    assert check_cache_owner(complete.host()) is None
