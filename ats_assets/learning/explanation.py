"""What continuous learning found and did, in words."""

from collections.abc import Mapping
from typing import Any


def drift_told(row: Mapping[str, Any]) -> str:
    """A row of the contract `Drift` in words.

    Examples
    --------
    >>> drift_told({"model": "lightgbm", "of": "skill", "test": "cusum", "figure": 9.13, "threshold": 6.5, "about": "mean rank IC fell"})
    'skill of lightgbm: cusum 9.13, more than 6.50 is unusual (mean rank IC fell)'
    """
    return f"{row['of']} of {row['model']}: {row['test']} {row['figure']:.2f}, more than {row['threshold']:.2f} is unusual ({row['about']})"
