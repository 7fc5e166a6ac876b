"""Workflows and pipelines of CI systems, from targets.yaml and a plan."""
