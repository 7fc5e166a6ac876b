"""targets.yaml: read with every limit, checked whole, and turned into a Config; and its JSON schema."""

from __future__ import annotations

from ferrule.config.artifacts import ArtifactConfig
from ferrule.config.loading import Config, PartlyReadableError, document, load
from ferrule.config.publishing import reference, schema
from ferrule.config.releases import ReleaseConfig

__all__ = [
    "ArtifactConfig",
    "Config",
    "PartlyReadableError",
    "ReleaseConfig",
    "document",
    "load",
    "reference",
    "schema",
]
