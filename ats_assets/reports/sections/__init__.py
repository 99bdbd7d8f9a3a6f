"""The sections of the backtest report, a file each: what a file must hold is in `report_section.py`."""
