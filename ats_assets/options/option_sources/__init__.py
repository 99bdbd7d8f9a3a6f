"""Sources of options, found by name: each module holds one `PLUGIN`."""
