"""Vendors of which tests may ask as much as they like, each with a state of its own."""

from pathlib import Path
from typing import Any

from ats_assets.settings.vendors import VendorsSettings

NAMES = ("massive", "massive_files", "unusual_whales")


def quick_tables(attempts: int = 4) -> dict[str, Any]:
    """Tables of the section `vendors`: no limits that a test would wait for, and short waits."""
    table = {"max_attempts": attempts, "max_wait_seconds": 0.001, "requests_per_minute": 1_000_000, "breaker_failures": 0}
    return dict.fromkeys(NAMES, table)


def quick_vendors(folder: Path, attempts: int = 4) -> VendorsSettings:
    """The section, with its file in a folder."""
    return VendorsSettings.model_validate({"state": folder / "vendors.sqlite", **quick_tables(attempts)})
