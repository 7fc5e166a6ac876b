"""GitHub: a release of the tag, with all files of dist/."""

from __future__ import annotations

from typing import Final

from ferrule.app.publish.base import Destination

DESTINATION: Final = Destination(
    name="github",
    title="GitHub",
    summary="makes a release of it with its files",
    permissions=(("contents: write", "to make a release of the tag"),),
    publish="""\
[% include "fetch.yml" %]
      - name: Publish
        run: find dist -maxdepth 1 -type f -exec gh release create "$TAG" --verify-tag --generate-notes {} +
        env:
          GH_REPO: ${{ github.repository }}
          GH_TOKEN: ${{ github.token }}
          TAG: ${{ github.ref_name }}
""",
)
