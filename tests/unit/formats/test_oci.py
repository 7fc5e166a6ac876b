from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace

import pytest

from fakes.tars import extract
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import Member, with_folders
from ferrule.formats.decompress import Limits
from ferrule.formats.oci import (
    INDEX,
    LAYER_PLAIN,
    MANIFEST,
    Descriptor,
    Layer,
    PlatformImage,
    append_layers,
    canonical,
    check_layer,
    docker_archive,
    image_config,
    layer_members,
    platform_document,
    read_file,
    read_layout,
    read_root,
    rfc3339,
    write_layer,
    write_layout,
)
from ferrule.formats.tar import read_tar_gz, write_tar

EPOCH = 1_767_323_045
PLATFORMS = ("linux/arm64", "linux/amd64")


def layer(folder, name="layer", content=b"x"):
    folder.mkdir(exist_ok=True, parents=True)
    return write_layer(folder / name, with_folders([Member("app/lib.so", content)]), EPOCH, comment=f"adds {name}")


def images(folder):
    for platform in PLATFORMS:
        layers = layer(folder / "work", platform.replace("/", "-"), platform.encode())
        yield PlatformImage(
            platform, (layers,), image_config(platform, [layers], epoch=EPOCH, labels={"b": "1", "a": "2"})
        )


def layout(folder):
    write_layout(folder / "image", list(images(folder)), epoch=EPOCH, annotations={"title": "demo"}, ref_name="1.0")
    return folder / "image"


def blob(folder, digest):
    return folder / "blobs" / "sha256" / digest.hex


def test_json_has_one_form():
    assert canonical({"b": [1, None], "a": "ü"}) == '{"a":"ü","b":[1,null]}'.encode()
    assert rfc3339(EPOCH) == "2026-01-02T03:04:05Z"


def test_platforms_are_split_and_checked():
    assert platform_document("linux/arm/v7") == {"os": "linux", "architecture": "arm", "variant": "v7"}
    for wrong in ("linux", "linux/", "a/b/c/d"):
        with pytest.raises(BuildError, match="os/architecture"):
            platform_document(wrong)


def test_a_layer_knows_both_of_its_digests(tmp_path):
    layers = layer(tmp_path)
    data = (tmp_path / "layer").read_bytes()
    assert (layers.digest, layers.size) == (Digest.of(data), len(data))
    assert layers.diff_id == Digest.of(gzip.decompress(data))


def test_a_config_runs_without_rights():
    config = image_config("linux/amd64", [], epoch=EPOCH)
    assert config == {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-02T03:04:05Z",
        "config": {
            "User": "65532:65532",
            "WorkingDir": "/",
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [],
    }


def test_a_config_says_what_it_was_told(tmp_path):
    layers = layer(tmp_path)
    config = image_config(
        "linux/amd64",
        [layers, replace(layers, comment="")],
        epoch=EPOCH,
        user="0",
        env={"PATH": "/bin", "X": "1"},
        labels={"l": "v"},
        entrypoint=["/app"],
        cmd=["--help"],
        working_dir="/app",
    )
    assert config["config"] == {
        "User": "0",
        "WorkingDir": "/app",
        "Env": ["PATH=/bin", "X=1"],
        "Labels": {"l": "v"},
        "Entrypoint": ["/app"],
        "Cmd": ["--help"],
    }
    assert config["rootfs"]["diff_ids"] == [layers.diff_id.oci] * 2
    assert config["history"] == [
        {"created": "2026-01-02T03:04:05Z", "created_by": "ferrule", "comment": "adds layer"},
        {"created": "2026-01-02T03:04:05Z", "created_by": "ferrule"},
    ]


def test_what_is_written_is_read(tmp_path):
    result = read_layout(layout(tmp_path))
    assert [image.platform for image in result.images] == ["linux/amd64", "linux/arm64"]
    assert result.ref_name == "1.0"
    assert result.annotations == {"title": "demo", "org.opencontainers.image.created": "2026-01-02T03:04:05Z"}
    assert result.images[0].config["config"]["Labels"] == {"a": "2", "b": "1"}
    assert result.images[0].annotations["title"] == "demo"
    assert result.index.media_type == INDEX
    index = json.loads(blob(tmp_path / "image", result.index.digest).read_bytes())
    assert [entry["platform"] for entry in index["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64"},
    ]


def test_two_folders_and_any_order_give_the_same_bytes(tmp_path):
    one = layout(tmp_path / "one")
    other = tmp_path / "other" / "image"
    write_layout(
        other, list(images(tmp_path / "other"))[::-1], epoch=EPOCH, annotations={"title": "demo"}, ref_name="1.0"
    )
    files = {p.relative_to(one): p.read_bytes() for p in one.rglob("*") if p.is_file()}
    assert files == {p.relative_to(other): p.read_bytes() for p in other.rglob("*") if p.is_file()}


def test_the_same_layer_is_stored_once(tmp_path):
    layers = layer(tmp_path)
    config = image_config("linux/amd64", [layers, layers], epoch=0)
    index = write_layout(tmp_path / "image", [PlatformImage("linux/amd64", (layers, layers), config)], epoch=0)
    assert index.annotations == {}
    assert len(list((tmp_path / "image/blobs/sha256").iterdir())) == 4
    assert read_layout(tmp_path / "image").ref_name is None


def test_images_that_contradict_each_other_are_refused(tmp_path):
    layers = layer(tmp_path)
    image = PlatformImage("linux/amd64", (layers,), image_config("linux/amd64", [layers], epoch=0))
    with pytest.raises(BuildError, match="each platform once"):
        write_layout(tmp_path / "a", [image, image], epoch=0)
    with pytest.raises(BuildError, match="none"):
        write_layout(tmp_path / "a", [], epoch=0)
    layers.path.write_bytes(b"other")
    with pytest.raises(BuildError, match="any more"):
        write_layout(tmp_path / "b", [image], epoch=0)
    assert not blob(tmp_path / "b", layers.digest).exists()


# Reading what nobody vouches for


def rewritten(folder, change):
    """The layout with its index changed by `change`, and everything above made right again."""
    top = json.loads((folder / "index.json").read_bytes())
    descriptor = top["manifests"][0]
    old = folder / "blobs" / "sha256" / descriptor["digest"][7:]
    index = json.loads(old.read_bytes())
    old.unlink()
    change(index)
    top["manifests"][0] |= stored(folder, index)
    (folder / "index.json").write_bytes(canonical(top))
    return folder


def stored(folder, document):
    data = canonical(document)
    digest = Digest.of(data)
    blob(folder, digest).write_bytes(data)
    return {"digest": digest.oci, "size": len(data)}


def remade(folder, change):
    """The layout with its first manifest and config changed, and everything above made right again."""

    def replace_manifest(index):
        entry = index["manifests"][0]
        old = folder / "blobs" / "sha256" / entry["digest"][7:]
        manifest = json.loads(old.read_bytes())
        path = folder / "blobs" / "sha256" / manifest["config"]["digest"][7:]
        config = json.loads(path.read_bytes())
        old.unlink()
        path.unlink()
        change(manifest, config)
        manifest["config"] |= stored(folder, config)
        entry |= stored(folder, manifest)

    return rewritten(folder, replace_manifest)


def test_blobs_are_recomputed(tmp_path):
    folder = layout(tmp_path)
    for path in sorted((folder / "blobs/sha256").iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(VerificationError, match=r"has another content"):
            read_layout(folder)
        path.write_bytes(content + b"x")
        with pytest.raises(VerificationError, match="bytes, declared are"):
            read_layout(folder)
        path.unlink()
        with pytest.raises(VerificationError, match="missing"):
            read_layout(folder)
        path.write_bytes(content)
    assert read_layout(folder)


def test_a_blob_may_not_be_a_link(tmp_path):
    folder = layout(tmp_path)
    path = next((folder / "blobs/sha256").iterdir())
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VerificationError, match="missing"):
        read_layout(folder)


@pytest.mark.parametrize("name", ["extra", "blobs/sha256/" + "0" * 64, "blobs/sha512/x", "blobs/sha256/dir/x"])
def test_what_belongs_to_nothing_is_refused(tmp_path, name):
    folder = layout(tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    with pytest.raises(VerificationError, match=f"{name} belongs to nothing"):
        read_layout(folder)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("oci-layout", b'{"imageLayoutVersion":"2.0.0"}', "version 1.0.0"),
        ("oci-layout", b"[]", "not a JSON object"),
        ("oci-layout", None, "oci-layout is missing"),
        ("index.json", b"{", "not a JSON object"),
        ("index.json", b"[" * 100_000, "not a JSON object"),
        ("index.json", bytes((4 << 20) + 1), "more than"),
        ("index.json", b'{"manifests":{}}', "no list of manifests"),
        ("index.json", b'{"manifests":[]}', "each platform once, not none"),
        ("index.json", b'{"manifests":[1]}', "not a descriptor"),
        ("index.json", b'{"manifests":[{"size":true,"mediaType":"x","digest":"y"}]}', "not a descriptor"),
        ("index.json", b'{"manifests":[{"size":1,"mediaType":"x","digest":"sha512:y"}]}', "not SHA-256"),
        ("index.json", b'{"manifests":[{"size":1,"mediaType":"x","digest":"sha256:../../../etc/passwd"}]}', "SHA-256"),
    ],
)
def test_damaged_entry_points_are_refused(tmp_path, name, content, reason):
    folder = layout(tmp_path)
    (folder / name).write_bytes(content) if content is not None else (folder / name).unlink()
    with pytest.raises(VerificationError, match=reason):
        read_layout(folder)


def test_many_descriptors_are_refused(tmp_path):
    with pytest.raises(VerificationError, match="too many manifests"):
        read_layout(layout(tmp_path), Limits(members=0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda index: index["manifests"][0].update(mediaType="text/plain"), "not that of a manifest"),
        (lambda index: index["manifests"][0].update(mediaType=INDEX), "not that of a manifest"),
        (lambda index: index["manifests"][0]["platform"].update(architecture="s390x"), "declared for linux/s390x"),
        (lambda index: index["manifests"][0].update(platform={"os": "linux"}), "which platform"),
        (lambda index: index["manifests"][0].update(platform=7), "which platform"),
        (lambda index: index["manifests"].append(index["manifests"][0]), "each platform once"),
        (lambda index: index.update(mediaType=MANIFEST), "says that it is"),
    ],
)
def test_an_index_that_contradicts_itself_is_refused(tmp_path, change, reason):
    with pytest.raises(VerificationError, match=reason):
        read_layout(rewritten(layout(tmp_path), change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda manifest, _: manifest["config"].update(mediaType="text/plain"), "not that of a config"),
        (lambda manifest, _: manifest["layers"][0].update(mediaType="x+zstd"), "layers must be tar"),
        (lambda manifest, _: manifest["layers"].append(manifest["layers"][0]), "diff_ids"),
        (lambda manifest, _: manifest.update(layers=[]), "diff_ids"),
        (lambda manifest, _: manifest.update(mediaType=7), "says that it is 7"),
        (lambda _, config: config["rootfs"].update(diff_ids=["sha256:" + "0" * 64]), "the diff_id of"),
        (lambda _, config: config.update(rootfs=None), "diff_ids"),
        (lambda _, config: config.pop("os"), "which platform"),
        (lambda _, config: config.update(architecture="s390x"), "declared for"),
        (lambda manifest, _: manifest["layers"][0].update(mediaType=LAYER_PLAIN), "the diff_id of"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(tmp_path, change, reason):
    with pytest.raises(VerificationError, match=reason):
        read_layout(remade(layout(tmp_path), change))


def test_a_layer_that_is_a_bomb_is_refused(tmp_path):
    with pytest.raises(VerificationError, match="holds more than 4096 bytes"):
        read_layout(layout(tmp_path), Limits(total_bytes=4096))


def layers_of(folder):
    return [layer for image in read_layout(folder, reads_layers=False).images for layer in image.layers]


def test_layers_that_are_not_read_with_the_layout_are_checked_by_who_reads_them(tmp_path):
    folder = layout(tmp_path)
    known = [layer for image in read_layout(folder).images for layer in image.layers]
    assert layers_of(folder) == known
    content = known[0].path.read_bytes()
    with known[0].path.open("rb") as stream:
        expected = [*read_tar_gz(stream, root=True)]
    assert [*layer_members(known[0])] == expected
    check_layer(known[0])
    with pytest.raises(VerificationError, match="holds more than 4096 bytes"):
        check_layer(known[0], Limits(total_bytes=4096))
    known[0].path.write_bytes(content[:9] + b"\x03" + content[10:])  # the system that packed it, which nobody reads
    for read in (check_layer, lambda layer: [*layer_members(layer)]):
        with pytest.raises(VerificationError, match="has another content"):
            read(known[0])
        with pytest.raises(VerificationError, match=r"the diff_id of .* is not that of its content"):
            read(replace(known[0], digest=Digest.of_file(known[0].path), diff_id=known[0].digest))
    plain = gzip.decompress(content)
    known[0].path.write_bytes(plain)
    uncompressed = replace(known[0], digest=Digest.of(plain), media_type=LAYER_PLAIN)
    assert [*layer_members(uncompressed)] == expected
    known[0].path.unlink()
    with pytest.raises(VerificationError, match="missing"):
        layers_of(folder)


@pytest.mark.parametrize(
    ("diff_ids", "reason"),
    [([], "are not those of the layers"), (["sha256:0"], "which is not SHA-256"), (None, "are not")],
)
def test_layers_that_are_not_read_have_a_diff_id_each(tmp_path, diff_ids, reason):
    folder = remade(layout(tmp_path), lambda _, config: config["rootfs"].update(diff_ids=diff_ids))
    with pytest.raises(VerificationError, match=reason):
        layers_of(folder)


def test_manifests_may_stand_in_index_json_itself(tmp_path):
    product = read_layout(layout(tmp_path))
    folder = product.folder
    blob(folder, product.index.digest).unlink()
    entries = [replace(image.manifest, annotations={}).document() for image in product.images]
    (folder / "index.json").write_bytes(canonical({"schemaVersion": 2, "manifests": entries}))
    result = read_layout(folder)
    assert [image.platform for image in result.images] == ["linux/amd64", "linux/arm64"]
    assert result.index.digest == Digest.of_file(folder / "index.json")


def test_one_manifest_without_a_platform_has_that_of_its_config(tmp_path):
    layers = layer(tmp_path)
    image = PlatformImage("linux/amd64", (layers,), image_config("linux/amd64", [layers], epoch=0))
    write_layout(tmp_path / "image", [image], epoch=0)
    layout = read_layout(tmp_path / "image")
    blob(layout.folder, layout.index.digest).unlink()
    bare = replace(layout.images[0].manifest, platform=None)
    (layout.folder / "index.json").write_bytes(canonical({"manifests": [bare.document()]}))
    again = read_layout(layout.folder)
    assert again.index == bare
    assert again.image("linux/amd64").platform == "linux/amd64"


def test_types_of_docker_and_plain_layers_are_read(tmp_path):
    prefix = "application/vnd.docker."

    def docker(manifest, config):
        manifest["mediaType"] = prefix + "distribution.manifest.v2+json"
        manifest["config"]["mediaType"] = prefix + "container.image.v1+json"
        plain = io.BytesIO()
        write_tar(plain, [Member("a", b"x")], 0)
        data = plain.getvalue()
        (tmp_path / "image/blobs/sha256" / hashlib.sha256(data).hexdigest()).write_bytes(data)
        manifest["layers"][0]["mediaType"] = prefix + "image.rootfs.diff.tar.gzip"
        manifest["layers"].append(
            {
                "mediaType": prefix + "image.rootfs.diff.tar",
                "digest": Digest.of(data).oci,
                "size": len(data),
            }
        )
        config["rootfs"]["diff_ids"].append(Digest.of(data).oci)

    folder = remade(layout(tmp_path), docker)
    rewritten(folder, lambda index: index["manifests"][0].update(mediaType=prefix + "distribution.manifest.v2+json"))
    result = read_layout(folder)
    assert result.images[0].manifest.media_type == MANIFEST
    assert result.images[0].layers[1].media_type == LAYER_PLAIN
    extended = append_layers(result, "linux/amd64", [], epoch=0)
    write_layout(tmp_path / "again", [extended], epoch=0)
    assert len(read_layout(tmp_path / "again").images[0].layers) == 2


def test_attestations_are_checked_but_are_no_images(tmp_path):
    folder = layout(tmp_path)
    statement = stored(folder, {"predicate": 1})
    attestation = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **stored(folder, {})},
        "layers": [{"mediaType": "application/vnd.in-toto+json", **statement}],
    }
    entry = {
        "mediaType": MANIFEST,
        "platform": {"os": "unknown", "architecture": "unknown"},
        **stored(folder, attestation),
    }
    rewritten(folder, lambda index: index["manifests"].append(entry))
    assert len(read_layout(folder).images) == 2
    (folder / "blobs/sha256" / statement["digest"][7:]).write_bytes(b'{"predicate":2}')
    with pytest.raises(VerificationError, match="another content"):
        read_layout(folder)


# Layers on a base


def test_layers_are_put_on_a_base(tmp_path):
    base = read_layout(layout(tmp_path))
    own = layer(tmp_path, "own", b"own")
    extended = [
        append_layers(
            base,
            platform,
            [own],
            epoch=EPOCH + 1,
            user="1000",
            env={"X": "1"},
            labels={"c": "3"},
            entrypoint=["/app"],
            cmd=["run"],
            working_dir="/app",
            base_name="registry.example/base:1",
        )
        for platform in PLATFORMS
    ]
    write_layout(tmp_path / "final", extended, epoch=EPOCH + 1)
    result = read_layout(tmp_path / "final").image("linux/arm64")
    assert [one.digest for one in result.layers] == [base.image("linux/arm64").layers[0].digest, own.digest]
    assert result.config["config"] == {
        "User": "1000",
        "WorkingDir": "/app",
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "X=1"],
        "Labels": {"a": "2", "b": "1", "c": "3"},
        "Entrypoint": ["/app"],
        "Cmd": ["run"],
    }
    assert [entry.get("comment") for entry in result.config["history"]] == ["adds linux-arm64", "adds own"]
    assert result.config["created"] == rfc3339(EPOCH + 1)
    assert result.annotations["org.opencontainers.image.base.digest"] == base.image("linux/arm64").manifest.digest.oci
    assert result.annotations["org.opencontainers.image.base.name"] == "registry.example/base:1"


def test_what_is_not_changed_stays_as_the_base_has_it(tmp_path):
    def settings(_, config):
        config["config"] = {"User": "7", "Cmd": ["sh"], "Env": None}
        config.pop("history")

    base = read_layout(remade(layout(tmp_path), settings))
    kept = append_layers(base, "linux/amd64", [], epoch=0)
    assert kept.config["config"]["User"] == "7"
    assert kept.config["config"]["Cmd"] == ["sh"]
    assert kept.config["config"]["Env"][0].startswith("PATH=")
    assert "org.opencontainers.image.base.name" not in kept.annotations
    assert "Cmd" not in append_layers(base, "linux/amd64", [], epoch=0, entrypoint=["/x"]).config["config"]


def test_a_variant_is_found_by_its_architecture_and_a_missing_one_is_named(tmp_path):
    def variant(_, config):
        config["architecture"], config["variant"] = "arm", "v7"

    folder = remade(layout(tmp_path), variant)
    rewritten(
        folder,
        lambda index: index["manifests"][0].update(platform={"os": "linux", "architecture": "arm", "variant": "v7"}),
    )
    base = read_layout(folder)
    assert base.image("linux/arm").platform == "linux/arm/v7"
    with pytest.raises(BuildError, match="no variant for linux/s390x, only for linux/arm/v7, linux/arm64"):
        base.image("linux/s390x")


# The archive that engines load


def test_the_archive_is_a_layout_and_a_docker_archive(tmp_path):
    product = read_layout(layout(tmp_path))
    digest = docker_archive(tmp_path / "a.tar", product, "linux/arm64", tags=["demo:1.0", "demo:latest"], epoch=5)
    assert digest == Digest.of_file(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert {member.mtime for member in archive} == {5}
        extract(archive, tmp_path / "out")
    result = read_layout_of_archive(tmp_path / "out")
    assert [image.platform for image in result.images] == ["linux/arm64"]
    assert result.ref_name == "1.0"
    (docker,) = json.loads((tmp_path / "out/manifest.json.kept").read_bytes())
    image = product.image("linux/arm64")
    assert docker["RepoTags"] == ["demo:1.0", "demo:latest"]
    assert docker["Config"] == f"blobs/sha256/{image.config_descriptor.digest}"
    assert docker["Layers"] == [f"blobs/sha256/{image.layers[0].digest}"]


def read_layout_of_archive(folder):
    shutil.move(folder / "manifest.json", folder.parent / "kept")
    layout = read_layout(folder)
    shutil.move(folder.parent / "kept", folder / "manifest.json.kept")
    return layout


def test_an_archive_may_have_no_name(tmp_path):
    result = read_layout(layout(tmp_path))
    docker_archive(tmp_path / "a.tar", result, "linux/amd64")
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert json.load(archive.extractfile("manifest.json"))[0]["RepoTags"] == []
        assert "annotations" not in json.load(archive.extractfile("index.json"))["manifests"][0]


def test_a_descriptor_leaves_out_what_is_empty():
    assert Descriptor("x", Digest.of(b""), 0).document() == {
        "mediaType": "x",
        "digest": Digest.of(b"").oci,
        "size": 0,
    }


def root_of(folder, *layers):
    """The root that layers of these entries make, one above the other."""
    folder.mkdir(exist_ok=True)
    return read_root(write_layer(folder / str(at), entries, EPOCH) for at, entries in enumerate(layers))


def test_upper_layers_add_replace_and_hide(tmp_path):
    lower = [Member("a/b/c", b"1"), Member("a/d", b"1"), Member("e/f", b"1"), Member("e/g", b"1"), Member("h", b"1")]
    upper = [
        Member("a/b", b"a file now"),
        Member("a/.wh.d"),
        Member("e/.wh..wh..opq"),
        Member("e/new", b"1"),
        Member("i", link="a"),
    ]
    assert sorted(root_of(tmp_path / "both", with_folders(lower), with_folders(upper)).files) == [
        *("a", "a/b", "e", "e/new", "h", "i"),
    ]
    everything = root_of(tmp_path / "nothing", with_folders(lower), [Member(".wh..wh..opq"), Member("x", b"")])
    assert sorted(everything.files) == ["x"]


def test_members_on_top_count_as_the_layer_that_they_will_be(tmp_path):
    below = [write_layer(tmp_path / "0", [Member("lib", folder=True), Member("lib/c.so", b"old")], EPOCH)]
    for top in ([Member("lib/c.so", b"new")], [Member("lib/.wh.c.so", b""), Member("c", link="lib/c.so")], []):
        layers = [*below, write_layer(tmp_path / "1", top, EPOCH)]
        assert read_root(below, top) == read_root(layers)
        assert read_file(below, "lib/c.so", top) == read_file(layers, "lib/c.so")


def test_a_path_is_followed_as_a_kernel_does(tmp_path):
    root = root_of(
        tmp_path,
        with_folders(
            [
                Member("lib", link="usr/lib"),
                Member("usr/lib/x", b"1"),
                Member("usr/lib/up", link="../share/y"),
                Member("usr/share/y", link="/lib/x"),
                Member("round", link="round"),
                Member("dangling", link="nowhere"),
            ]
        ),
    )
    for path, result in {
        "/lib/x": "usr/lib/x",
        "lib/up": "usr/lib/x",
        "/lib/./../share/y": "usr/lib/x",
        "/": "",
        "/../usr": "usr",
        "/round": None,
        "/dangling": None,
        "/lib/z": None,
    }.items():
        assert root.find(path) == result, path


def test_a_root_has_members_that_an_unpacker_would_refuse(tmp_path):
    with tarfile.open(tmp_path / "layer", "w") as archive:
        for name, kind in (
            ("./dev/null", tarfile.CHRTYPE),
            ("./bin/su", tarfile.REGTYPE),
            ("./bin/hard", tarfile.LNKTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname = kind, 0o4755, "bin/su"
            archive.addfile(member)
    result = Layer(tmp_path / "layer", Digest.of(b""), 0, Digest.of(b""), LAYER_PLAIN)
    assert sorted(read_root([result]).files) == ["bin/hard", "bin/su", "dev/null"]
    (tmp_path / "layer").write_bytes(b"no archive" * 100)
    with pytest.raises(VerificationError, match="cannot be read"):
        read_root([result])


def test_a_health_check_is_written_for_docker_and_dropped_with_the_program_it_is_of(tmp_path):
    layers = layer(tmp_path)
    config = image_config("linux/amd64", [layers], epoch=EPOCH, health=["/app", "-health"])
    assert config["config"]["Healthcheck"]["Test"] == ["CMD", "/app", "-health"]
    write_layout(tmp_path / "image", [PlatformImage("linux/amd64", (layers,), config)], epoch=EPOCH)
    base = read_layout(tmp_path / "image")
    assert "Healthcheck" in append_layers(base, "linux/amd64", [], epoch=EPOCH).config["config"]
    assert "Healthcheck" not in append_layers(base, "linux/amd64", [], epoch=EPOCH, entrypoint=["/b"]).config["config"]
