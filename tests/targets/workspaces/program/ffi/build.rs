//! Compiles the part in C.

fn main() {
    println!("cargo:rerun-if-changed=src/space.c");
    cc::Build::new().file("src/space.c").compile("space");
}
