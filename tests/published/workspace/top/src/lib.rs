pub fn all_words(texts: &[String]) -> usize {
    texts.iter().map(|text| tally_base::words(text)).sum()
}
