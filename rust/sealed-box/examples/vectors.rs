//! Writes the vectors that all languages read: `cargo run -p sealed-box --example vectors > vectors/sealed-box.json`.

#[path = "../../vectors/from_wycheproof.rs"]
mod from_wycheproof;

fn main() {
    print!("{}", from_wycheproof::file());
}
