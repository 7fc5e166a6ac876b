int is_space(int character) {
    return character == ' ' || character == '\t' || character == '\n';
}
