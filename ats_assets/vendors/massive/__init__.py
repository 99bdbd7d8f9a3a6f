"""Massive (formerly Polygon.io): keys under old and new names, its REST API page by page, and its flat files."""

from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import api_keys, flat_files, massive_rest
from ats_assets.vendors.massive.massive_rest import MassivePlanError, MassiveRest

__all__ = ["FlatFiles", "MassivePlanError", "MassiveRest", "api_keys", "flat_files", "massive_rest"]
