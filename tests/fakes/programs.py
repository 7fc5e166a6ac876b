"""Starts pretended compilers (pretended.py), of which Python keeps what it compiled, as it does not of a script."""

import sys

sys.path.insert(0, __file__.rpartition("/")[0])

import pretended

pretended.main()
