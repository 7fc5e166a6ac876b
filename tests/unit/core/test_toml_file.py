"""Reading a file in TOML: whose fault it is that one cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ferrule.core.errors import StorageError
from ferrule.core.toml_file import read_bytes


def test_a_file_that_the_machine_cannot_read_is_no_mistake_in_it() -> None:
    with pytest.raises(StorageError, match="this Cargo manifest cannot be read: Input/output error") as failed:
        read_bytes(Path("/proc/self"), "mem")  # nothing is mapped where it begins (proc_pid_mem(5))
    assert (failed.value.where, failed.value.hint) == ("mem", None)
