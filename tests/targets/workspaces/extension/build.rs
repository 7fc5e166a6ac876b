fn main() {
    cc::Build::new().file("src/space.c").compile("space");
    println!("cargo::rerun-if-changed=src/space.c");
}
