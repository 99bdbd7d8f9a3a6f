"""What was found of a family's features: which of them to look at first, what to make of the best of many, and all of it as JSON has it."""

from dataclasses import asdict
from typing import Any

from ats_assets.evaluation.factor_resemblance import Resemblance
from ats_assets.evaluation.factor_skill import FactorSkill
from ats_assets.evaluation.many_looks import CHANCE, expected_largest_t, t_of_chance
from ats_assets.evaluation.stored_factors import FamilyEvaluation

Judged = tuple[FactorSkill, Resemblance | None, Resemblance | None]


def by_size_of_t(found: FamilyEvaluation, horizon: int) -> list[Judged]:
    """The features with the largest |t| of the rank IC first, those without one last; with what each resembles, of other families and of its own."""

    def size(one: Judged) -> float:
        t = one[0].horizon(horizon).rank_ic_t
        return -1.0 if t is None else abs(t)

    judged = zip(found.skills, found.resembles, found.resembles_own, strict=True)
    return sorted(judged, key=lambda one: (-size(one), one[0].feature))


def evaluation_json(found: FamilyEvaluation, horizon: int) -> dict[str, Any]:
    """All figures."""
    n = len(found.skills)
    return {
        "family": found.family,
        "horizon_sessions": horizon,
        "horizons_sessions": list(found.horizons),
        "first_session": found.first_session.isoformat(),
        "last_session": found.last_session.isoformat(),
        "sessions": found.sessions,
        "symbols": found.symbols,
        "forward_returns": found.outcomes,
        "features_looked_at": n,
        "expected_largest_t": expected_largest_t(n),
        "t_of_chance": t_of_chance(n),
        "note": " ".join(looks_told(n)),
        "features": [
            asdict(skill) | {"resembles": asdict(other) if other else None, "resembles_own": asdict(own) if own else None}
            for skill, other, own in by_size_of_t(found, horizon)
        ],
    }


def looks_told(n: int) -> list[str]:
    """What the best of `n` features is worth less, as sentences."""
    looked = "1 feature was looked at" if n == 1 else f"{n} features were looked at"
    return [
        f"{looked}: without any skill the largest |t| is expected at {expected_largest_t(n):.1f}, and above {t_of_chance(n):.1f} "
        f"in {CHANCE:.0%} of cases.",
        "Those that were tried before count, too.",
    ]
