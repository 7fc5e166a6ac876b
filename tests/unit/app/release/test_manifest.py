from __future__ import annotations

import json

import pytest

from ferrule.app.release.manifest import read_manifest
from ferrule.app.release.release_folder import read_release
from ferrule.core.errors import VerificationError

OF_0_1_0 = {
    "version": 1,
    "artifacts": [],
    "packed": [],
    "facts": {},
    "toolchain": {"road": "system", "tools": {}, "std": {}},
}


@pytest.mark.parametrize("read", [read_release, lambda folder: read_manifest(folder, required=True)])
def test_an_old_name_is_refused_with_the_new_one(tmp_path, read):
    (tmp_path / "manifest.json").write_text(json.dumps(OF_0_1_0))
    with pytest.raises(VerificationError, match=r"toolchain\.road is called toolchain\.rust-source now") as refusal:
        read(tmp_path)
    assert refusal.value.where == str(tmp_path / "manifest.json")


@pytest.mark.parametrize("toolchain", [None, [], "road", {"rust-source": "rustup"}])
def test_other_manifests_are_no_concern_of_that(tmp_path, toolchain):
    document = OF_0_1_0 | {"toolchain": toolchain}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    assert read_manifest(tmp_path, required=True) == document
