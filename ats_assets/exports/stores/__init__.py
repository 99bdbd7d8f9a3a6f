"""The stores, one module or folder each; found by the name that the settings give."""
