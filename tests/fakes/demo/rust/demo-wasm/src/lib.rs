//! Adds two numbers.
