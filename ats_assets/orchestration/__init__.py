"""Where the stages meet Dagster: assets, partitions, events, checks, the IO manager."""
