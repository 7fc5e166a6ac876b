from __future__ import annotations

import json

import pytest

from ferrule.app.release.release_folder import read_release
from ferrule.core.errors import VerificationError
from ferrule.core.manifest import read_manifest

OF_0_1_0 = {
    "version": 1,
    "artifacts": [],
    "packed": [],
    "facts": {},
    "toolchain": {"road": "system", "tools": {}, "std": {}},
}


@pytest.mark.parametrize("read", [read_release, read_manifest])
def test_an_old_name_is_refused_with_the_new_one(tmp_path, read):
    (tmp_path / "manifest.json").write_text(json.dumps(OF_0_1_0))
    with pytest.raises(VerificationError, match=r"toolchain\.road is called toolchain\.rust-source now") as refusal:
        read(tmp_path)
    assert refusal.value.where == str(tmp_path / "manifest.json")
