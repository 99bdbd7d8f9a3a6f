"""The columns of validated and of quarantined corporate actions. The contracts, which need pandera, are in `contracts`."""

import polars as pl

from ats_assets.sources.schema import BARS_SCHEMA, RAW_ACTIONS_SCHEMA

CORPORATE_ACTIONS_SCHEMA = pl.Schema({name: dtype for name, dtype in RAW_ACTIONS_SCHEMA.items() if name not in {"date", "defects"}})
REJECTED_ACTIONS_SCHEMA = pl.Schema({**RAW_ACTIONS_SCHEMA, "reasons": pl.List(pl.String)})
KNOWN_SCHEMAS = {"bars": BARS_SCHEMA, "corporate_actions": CORPORATE_ACTIONS_SCHEMA}
"""Of what is read as it was known at a session's close (`orchestration.reading`)."""
