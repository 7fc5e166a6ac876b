//! Compiles the part in C.

fn main() {
    println!("cargo:rerun-if-changed=src/fall.c");
    cc::Build::new().file("src/fall.c").compile("fall");
}
