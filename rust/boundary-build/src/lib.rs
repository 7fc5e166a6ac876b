//! What the `build_info` function of a C interface tells: one line of JSON, collected by the build script because only
//! the build knows it.
//!
//! The line holds names, versions and digests, never a path: the same sources give the same bytes in any folder.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Hands the line to the crate as `env!("BUILD_INFO")`. The crate is `NAME-ffi`, the library `NAME`.
///
/// Of the crates named as `cryptography`, the line also holds the checksums of `Cargo.lock`; each that is named must
/// be among the dependencies.
///
/// # Panics
///
/// Outside a build script, and if rustc, `Cargo.lock` or a member's manifest cannot be read.
pub fn emit_build_info(cryptography: &[&str]) {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=BUILD_INFO={}", build_info(cryptography));
}

fn build_info(cryptography: &[&str]) -> String {
    let package = cargo_variable("CARGO_PKG_NAME");
    let lock = Lock::of_workspace();
    let packages = lock.as_ref().map(|lock| lock.closure(&package)).unwrap_or_default();
    let name = package.strip_suffix("-ffi").unwrap_or(&package);
    let mut fields = vec![
        ("name", text(name)),
        ("version", text(&cargo_variable("CARGO_PKG_VERSION"))),
        ("commit", text(&release_variable("FERRULE_COMMIT"))),
        ("fingerprint", text(&release_variable("FERRULE_FINGERPRINT"))),
        ("interface", text(&release_variable("FERRULE_INTERFACE"))),
        ("target", text(&cargo_variable("TARGET"))),
        ("rustc", text(&rustc_version())),
        ("dependencies", dependencies(&packages)),
    ];
    if !cryptography.is_empty() {
        fields.push(("cryptography", checksums(&packages, cryptography)));
    }
    object(fields.into_iter())
}

fn cargo_variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("Cargo sets {name} for every build script"))
}

/// Set by whoever makes a release; everybody else builds "unreleased".
fn release_variable(name: &str) -> String {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .unwrap_or_else(|| "unreleased".to_owned())
}

fn rustc_version() -> String {
    let output = Command::new(cargo_variable("RUSTC"))
        .arg("--version")
        .output()
        .expect("rustc starts");
    String::from_utf8(output.stdout)
        .expect("rustc writes UTF-8")
        .trim()
        .to_owned()
}

/// The versions of everything the crate is built from, as the lock file has them. Without a lock file, nothing.
fn dependencies(packages: &BTreeSet<&Package>) -> String {
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let rows = versions.into_iter();
    object(rows.map(|(name, versions)| (name, text(&versions.join(", ")))))
}

/// Version and checksum of each crate that is named: what was reviewed can be compared with what is inside.
fn checksums(packages: &BTreeSet<&Package>, names: &[&str]) -> String {
    let rows = names.iter().flat_map(|name| {
        let locked: Vec<&&Package> = packages.iter().filter(|package| package.name == *name).collect();
        assert!(packages.is_empty() || !locked.is_empty(), "{name} is no dependency");
        locked.into_iter().map(|package| {
            let row = [("version", text(&package.version)), ("sha256", text(&package.checksum))];
            (package.name.as_str(), object(row.into_iter()))
        })
    });
    object(rows)
}

/// A block of the lock file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// SHA-256 of the crate as the registry has it; empty for a member of the workspace.
    checksum: String,
    dependencies: Vec<String>,
}

/// Who depends on whom.
struct Lock {
    packages: Vec<Package>,
}

impl Lock {
    fn of_workspace() -> Option<Self> {
        let folder = PathBuf::from(cargo_variable("CARGO_MANIFEST_DIR"));
        let mut candidates = folder.ancestors().map(|folder| folder.join("Cargo.lock"));
        let file = candidates.find(|file| file.is_file())?;
        println!("cargo:rerun-if-changed={}", file.display());
        let workspace = file.parent().expect("a file is in a folder");
        let lock = fs::read_to_string(&file).expect("Cargo.lock can be read");
        let blocks = lock.split("[[package]]").skip(1);
        Some(Self {
            packages: blocks.map(|block| package(block, workspace)).collect(),
        })
    }

    /// Everything reachable from a package, the package itself left out.
    fn closure(&self, root: &str) -> BTreeSet<&Package> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Package> = vec![self.find(root)];
        while let Some(package) = open.pop() {
            for dependency in package.dependencies.iter().map(|reference| self.find(reference)) {
                if reached.insert(dependency) {
                    open.push(dependency);
                }
            }
        }
        reached
    }

    /// A reference is `name`, or `name version` where several versions are locked.
    fn find(&self, reference: &str) -> &Package {
        let (name, version) = reference.split_once(' ').unwrap_or((reference, ""));
        let is_meant = |package: &&Package| package.name == name && (version.is_empty() || version == package.version);
        let package = self.packages.iter().find(is_meant);
        package.expect("what Cargo.lock refers to is in it")
    }
}

fn package(block: &str, workspace: &Path) -> Package {
    let name = value(block, "name").expect("every package has a name");
    let list = block
        .split_once("dependencies = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    let mut dependencies: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    // The lock file mixes what members of the workspace need for their tests into what they are made of.
    if value(block, "source").is_none() {
        let listed = manifest_dependencies(&workspace.join(name).join("Cargo.toml"));
        dependencies.retain(|dependency| listed.contains(dependency.split(' ').next().unwrap_or_default()));
    }
    Package {
        name: name.to_owned(),
        version: value(block, "version").expect("every package has a version").to_owned(),
        checksum: value(block, "checksum").unwrap_or_default().to_owned(),
        dependencies,
    }
}

fn value<'a>(block: &'a str, key: &str) -> Option<&'a str> {
    block
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

/// The names in the `[dependencies]` table, written `name = …` or `name.workspace = true`.
fn manifest_dependencies(manifest: &Path) -> BTreeSet<String> {
    println!("cargo:rerun-if-changed={}", manifest.display());
    let manifest = fs::read_to_string(manifest).expect("a member of the workspace has a manifest in its folder");
    let table = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let entries = table.take_while(|line| !line.starts_with('['));
    entries
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .map(str::to_owned)
        .collect()
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, String)>) -> String {
    let fields: Vec<String> = fields.map(|(key, value)| format!("{}:{value}", text(key))).collect();
    format!("{{{}}}", fields.join(","))
}

/// A JSON string. What comes from the environment may hold anything.
fn text(value: &str) -> String {
    let mut json = String::from('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            ' '..='~' => json.push(character),
            other => json.push_str(&escaped(other)),
        }
    }
    json.push('"');
    json
}

fn escaped(character: char) -> String {
    let units: Vec<String> = character
        .encode_utf16(&mut [0; 2])
        .iter()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    units.concat()
}
