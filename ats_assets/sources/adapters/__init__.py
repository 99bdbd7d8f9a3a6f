"""The sources of data: one module or folder each."""
