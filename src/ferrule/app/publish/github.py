"""GitHub: a release of the tag, with all files of dist/; its folders go there as one file each."""

from __future__ import annotations

from typing import Final

from ferrule.app.publish.base import Destination

DESTINATION: Final = Destination(
    name="github",
    title="GitHub",
    summary="makes a release of it with its files",
    permissions=(("contents: write", "to make a release of the tag"),),
    prepare="""\
      - name: Extract what GitHub takes
        run: [[ ci.call ]] extract all --from dist --to upload
      - name: Verify it as it will be downloaded
        run: [[ ci.call ]] verify upload
      - name: Keep upload/
        uses: [[ actions.upload ]]
        with:
          name: upload
          path: upload/
          if-no-files-found: error
          retention-days: 7
""",
    publish="""\
      - name: Fetch upload/
        uses: [[ actions.download ]]
        with:
          name: upload
          path: upload/
      - name: Publish
        run: find upload -maxdepth 1 -type f -exec gh release create "$TAG" --verify-tag --generate-notes {} +
        env:
          GH_REPO: ${{ github.repository }}
          GH_TOKEN: ${{ github.token }}
          TAG: ${{ github.ref_name }}
""",
)
