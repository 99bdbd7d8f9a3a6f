"""`python -m ats_assets.cli`, where the entry point `ats` is not installed."""

from ats_assets.cli import main

main()
