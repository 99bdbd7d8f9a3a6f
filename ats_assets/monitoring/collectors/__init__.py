"""Metrics by subject: each module declares its metrics (`METRICS`) and adds their samples (`collect`)."""
