"""One command a file; each holds `COMMAND`, found by name (`catalogue.py`)."""
