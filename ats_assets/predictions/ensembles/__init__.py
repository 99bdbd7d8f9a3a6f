"""Rules by which models are combined, each found by the name of its file; see `ats_assets.predictions.ensemble_rule`."""
