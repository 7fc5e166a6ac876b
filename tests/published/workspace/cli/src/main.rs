fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("{} words", tally_top::all_words(&words));
}
