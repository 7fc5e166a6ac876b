from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ferrule.cli.environment import cache_folder, home_folder
from ferrule.core.errors import StorageError

OWN = Path(pwd.getpwuid(os.getuid()).pw_dir)
NOBODY = 4_000_000_001  # a number that no password database has


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"FERRULE_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/ferrule"),
        ({"XDG_CACHE_HOME": "b", "HOME": "/c"}, "/c/.cache/ferrule"),
        ({"HOME": "/c"}, "/c/.cache/ferrule"),
        ({"HOME": ""}, OWN / ".cache/ferrule"),
        ({}, OWN / ".cache/ferrule"),
    ],
)
def test_the_cache_is_in_a_folder_of_the_user(environment, folder):
    assert cache_folder(environment) == Path(folder)


def test_a_user_without_a_home_is_told(tmp_path):
    assert home_folder({}, NOBODY) is None
    with pytest.raises(StorageError, match="HOME is not set") as refusal:
        cache_folder({}, NOBODY)
    assert "FERRULE_CACHE" in refusal.value.hint
    assert cache_folder({"FERRULE_CACHE": str(tmp_path)}, NOBODY) == tmp_path
