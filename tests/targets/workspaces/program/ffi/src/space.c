/* Not for users of the library: no list of exports may hold it. */
int tally_inner_is_space(int character) {
    return character == ' ' || character == '\t' || character == '\n';
}
