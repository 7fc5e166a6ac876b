"""Tar archives: a writer whose bytes follow from the entries alone, and a reader for archives that nobody vouches for.

Both are written here because tarfile's headers have changed between Python versions, and because its reader takes a
damaged header for the end of the archive, expands sparse members and leaves names and links to whoever unpacks.
"""

from __future__ import annotations

from ferrule.formats.tar.reading import SurveyedMember, read_tar, read_tar_gz, survey
from ferrule.formats.tar.writing import HashingSink, write_tar, write_tar_gz

__all__ = ["HashingSink", "SurveyedMember", "read_tar", "read_tar_gz", "survey", "write_tar", "write_tar_gz"]
