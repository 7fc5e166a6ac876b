//! Prints how many different words its arguments hold.

fn main() {
    let text = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    println!("{} words", tally_ffi::words(&text).len());
}
