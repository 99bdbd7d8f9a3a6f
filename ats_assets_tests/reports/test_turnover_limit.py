from typing import Any

import pytest

from ats_assets.reports.turnover_limit import limit_text, session_text

BINDS: dict[str, Any] = {"turnover_limit_share": 0.973, "wanted_positions": 10.0, "held_positions": 18.0}


@pytest.mark.parametrize(
    "figures", [{}, BINDS | {"turnover_limit_share": 0.0}, BINDS | {"turnover_limit_share": 0.004}, dict.fromkeys(BINDS)]
)
def test_nothing_is_said_of_a_limit_that_hardly_binds(figures: dict[str, Any]) -> None:
    """The report warned of a limit that binds in 0% of the sessions: in two, on the way from cash to the first book."""
    assert limit_text(figures, 0.5) is None
    assert limit_text(BINDS, 0.5) is not None


def test_a_session_within_the_limit_is_told_as_one() -> None:
    row = {"held_positions": 10, "wanted_positions": 10, "wanted_turnover": 0.4, "turnover_limit": 0.5, "limit_binds": False}
    assert "within the limit of 50%" in session_text(row)
    assert session_text(row | {"turnover_limit": None}).endswith("takes a turnover of 40%.")
