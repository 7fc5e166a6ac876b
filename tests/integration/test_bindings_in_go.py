"""Generated bindings in Go: what they answer for libraries of strangers, and what can never happen in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bound import HEADERS, SOURCES, generated, shared_library
from judges import CHECKOUT, run

pytestmark = pytest.mark.integration

GO = SOURCES / "go"


@pytest.mark.parametrize("name", ["counter", "events", "mixer", "pixels", "store"])
def test_strangers(name: str, programs: dict[str, str], tmp_path: Path) -> None:
    module = tmp_path / "module"
    loader, package = module / "internal" / "ferrule" / "native", module / "internal" / "ferrule" / "bindings"
    for folder in (loader, package):
        folder.mkdir(parents=True)
    shutil.copy(GO / "native.go", loader)
    shutil.copy(GO / f"{name}_test.go", module)
    shutil.copy(CHECKOUT / "packaging" / "go" / "go.sum", module)
    path = f"example.org/strangers/{name}"
    own = (CHECKOUT / "packaging" / "go" / "go.mod").read_text(encoding="utf-8")
    required = "".join(f"{line}\n" for line in own.splitlines() if "wazero" not in line)
    (module / "go.mod").write_text(required.replace("example.org/ferrule/email-validator", path), encoding="utf-8")
    text = generated(HEADERS / f"{name}.h", tmp_path / "work", "go", path).text
    (package / "bindings.go").write_text(text, encoding="utf-8")
    shared_library(name, module)
    go = programs["go"]
    assert run(Path(go).with_name("gofmt"), "-l", module).stdout == ""
    given = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
    run(go, "vet", "./...", cwd=module, **given)
    for system, machine in (("darwin", "arm64"), ("linux", "arm64")):
        run(go, "vet", "./internal/...", cwd=module, GOOS=system, GOARCH=machine, **given)
    assert "ok" in run(go, "test", "-count=1", ".", cwd=module, **given).stdout
