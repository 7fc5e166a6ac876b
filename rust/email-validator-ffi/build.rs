//! Collects what `email_validator_build_info` tells: one line of JSON, made here because only the build knows it.
//!
//! The line holds names, versions and digests, never a path: the same sources give the same bytes in any folder.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=EMAIL_VALIDATOR_BUILD_INFO={}", build_info());
}

fn build_info() -> String {
    let fields = [
        ("name", text("email-validator")),
        ("version", text(&cargo_variable("CARGO_PKG_VERSION"))),
        ("commit", text(&release_variable("FERRULE_COMMIT"))),
        ("fingerprint", text(&release_variable("FERRULE_FINGERPRINT"))),
        ("interface", text(&release_variable("FERRULE_INTERFACE"))),
        ("target", text(&cargo_variable("TARGET"))),
        ("rustc", text(&rustc_version())),
        ("dependencies", dependencies()),
    ];
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

/// The versions of everything this crate is built from, as the lock file has them. Without a lock file, nothing.
fn dependencies() -> String {
    let Some(lock_file) = find_lock_file() else {
        return object([].into_iter());
    };
    println!("cargo:rerun-if-changed={}", lock_file.display());
    let workspace = lock_file.parent().expect("a file is in a folder").to_owned();
    let lock = Lock::parse(
        &fs::read_to_string(&lock_file).expect("Cargo.lock can be read"),
        &workspace,
    );
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for (name, version) in lock.closure("email-validator-ffi") {
        versions.entry(name).or_default().push(version);
    }
    object(
        versions
            .into_iter()
            .map(|(name, versions)| (name, text(&versions.join(", ")))),
    )
}

fn find_lock_file() -> Option<PathBuf> {
    let folder = PathBuf::from(cargo_variable("CARGO_MANIFEST_DIR"));
    folder
        .ancestors()
        .map(|folder| folder.join("Cargo.lock"))
        .find(|file| file.is_file())
}

type Package = (String, String);

/// Who depends on whom, by name and version.
struct Lock {
    packages: BTreeMap<Package, Vec<String>>,
}

impl Lock {
    fn parse(lock: &str, workspace: &Path) -> Self {
        let blocks = lock.split("[[package]]").skip(1);
        Self {
            packages: blocks.map(|block| package(block, workspace)).collect(),
        }
    }

    /// Everything reachable from a package, the package itself left out.
    fn closure(&self, root: &str) -> BTreeSet<(&str, &str)> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&Package> = vec![self.find(root)];
        while let Some(package) = open.pop() {
            for dependency in self.packages[package].iter().map(|reference| self.find(reference)) {
                if found.insert((dependency.0.as_str(), dependency.1.as_str())) {
                    open.push(dependency);
                }
            }
        }
        found
    }

    /// A reference is `name`, or `name version` where several versions are locked.
    fn find(&self, reference: &str) -> &Package {
        let mut words = reference.split(' ');
        let (name, version) = (words.next(), words.next());
        let is_meant = |package: &&Package| Some(package.0.as_str()) == name && version.is_none_or(|v| v == package.1);
        self.packages
            .keys()
            .find(is_meant)
            .expect("what Cargo.lock refers to is in it")
    }
}

fn package(block: &str, workspace: &Path) -> (Package, Vec<String>) {
    let name = value(block, "name").expect("every package has a name");
    let version = value(block, "version").expect("every package has a version");
    let list = block
        .split_once("dependencies = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(list, _)| list);
    let mut dependencies: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    // The lock file mixes what members of the workspace need for their tests into what they are made of.
    if value(block, "source").is_none() {
        let wanted = manifest_dependencies(&workspace.join(name).join("Cargo.toml"));
        dependencies.retain(|dependency| wanted.contains(dependency.split(' ').next().unwrap_or_default()));
    }
    ((name.to_owned(), version.to_owned()), dependencies)
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
