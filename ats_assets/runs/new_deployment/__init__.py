"""A new deployment: a folder with the settings, Dagster's files and what to do next, made of a few wishes."""

from ats_assets.runs.new_deployment.deployment_folder import make_folder
from ats_assets.runs.new_deployment.wishes import CRYPTO_SOURCES, SOURCE_NAMES, Wishes, inspected_files

__all__ = ["CRYPTO_SOURCES", "SOURCE_NAMES", "Wishes", "inspected_files", "make_folder"]
