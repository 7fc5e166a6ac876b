"""What is linked into compiled files: one way for the kinds that compile, pack and describe them."""
