"""PyPI: wheels and source distributions, uploaded by trusted publishing (PyPI, "Trusted Publishers")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.publish.base import Destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.publish.base import Problem


def _check_version(version: str) -> Iterator[Problem]:
    """Build metadata becomes a local version (version specifiers, "Local version identifiers"), which PyPI refuses."""
    if "+" in version:
        example = f"{version.partition('+')[0]}.dev0"
        hint = f'state another for this artifact, such as version: "{example}", or take pypi out of ci.publish'
        yield f"PyPI takes no version with build metadata, such as {version}", hint


DESTINATION: Final = Destination(
    name="pypi",
    title="PyPI",
    summary="uploads wheels and source distributions by trusted publishing",
    kinds=("wheel",),
    check_version=_check_version,
    environment="pypi",
    permissions=(("id-token: write", "PyPI trusts this workflow, so there is no password"),),
    prepare="""\
      - name: Extract what PyPI takes
        run: [[ ci.call ]] extract wheel --from dist --to python
      - name: Keep python/
        uses: [[ actions.upload ]]
        with:
          name: python
          path: python/
          if-no-files-found: error
          retention-days: 7
""",
    publish="""\
      - name: Fetch python/
        uses: [[ actions.download ]]
        with:
          name: python
          path: python/
      - name: Publish
        uses: pypa/gh-action-pypi-publish@cef221092ed1bacb1cc03d23a2d87d1d172e277b # v1.14.0
        with:
          packages-dir: python/
""",
)
