"""Autonomous trading system as a Dagster asset graph."""

import os

# Read once by OpenMP's runtime when LightGBM loads it: threads that wait at a barrier sleep instead of spinning. On cores that are shared with
# other work a spinning wait makes a fit several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
