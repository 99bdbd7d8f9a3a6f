"""`ats exports schema`: what a store holds."""

import sys

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.exports.choosing import exported_tables, exports
from ats_assets.runs.startup import quiet
from ats_assets.settings import load_settings


def schema(name: str) -> None:
    """Write it to standard output."""
    deployment = Deployment(load_settings())
    known = deployment.of(exports)
    if name not in known:
        raise SettingsError(f"{name!r} is no export of the settings: choose one of {', '.join(known) or 'none'}")
    with quiet():
        build(deployment)
    sys.stdout.write(known[name].store.schema_text(exported_tables(deployment, known[name])) + "\n")
