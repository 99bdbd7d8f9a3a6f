"""Luck at one horizon does not hold on its neighbours, a real signal that decays does."""

import numpy as np
import polars as pl
import pytest

from ats_assets.evaluation.neighbouring_horizons import holds_on_neighbours, luck_share, neighbours_of
from ats_assets.evaluation.score_persistence import score_persistence
from ats_assets_tests.evaluation.planted_horizons import DAYS, decaying_signal, mined_noise, skill_of, slow_noise
from ats_assets_tests.rounds import rounds

HORIZONS = (1, 5, 20)


@pytest.mark.parametrize("persistence", [0.0, 0.8])
def test_noise_that_was_mined_at_one_horizon_does_not_hold(persistence: float) -> None:
    """Its rank IC over 5 sessions is that of an edge, and above zero over 1 and 20, as its outcomes overlap; yet it holds no more often than chance allows, 5 of 100."""
    found, plain = [], []
    for seed in range(rounds(20, 300)):
        scores, returns = mined_noise(seed, horizon=5, persistence=persistence)
        skill = skill_of(scores, returns, HORIZONS)
        found.append(holds_on_neighbours(skill, 5, persistence=[persistence**k for k in range(21)]))
        plain.append([one.rank_ic for one in found[-1].horizons])
    assert np.mean([verdict.holds for verdict in found]) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(found))
    means = np.mean(plain, axis=0)
    assert (means > 0.004).all(), "the luck is seen at the other horizons, too"
    shares = [luck_share(h, 5, [persistence**k for k in range(21)]) for h in HORIZONS]
    assert means == pytest.approx(means[1] * np.array(shares), abs=4 * 0.16 / np.sqrt(400 * len(found)) * 2)


@pytest.mark.parametrize(("half_life", "persistence"), [(2.0, 0.0), (10.0, 0.0), (5.0, 0.6)])
def test_a_real_signal_that_decays_holds(half_life: float, persistence: float) -> None:
    found = []
    for seed in range(rounds(6, 60)):
        scores, returns = decaying_signal(seed, half_life=half_life, strength=0.12, persistence=persistence)
        found.append(holds_on_neighbours(skill_of(scores, returns, HORIZONS), 5, persistence=[persistence**k for k in range(21)]))
    assert np.mean([verdict.holds for verdict in found]) >= 0.8
    assert all(verdict.text.startswith("holds: over ") for verdict in found if verdict.holds)


def test_what_luck_makes_of_other_horizons_is_the_overlap_of_outcomes() -> None:
    """For scores without persistence: the correlation of the outcomes themselves."""
    returns = np.random.default_rng(1).standard_normal((4000, 60))
    for a, b in ((1, 5), (5, 20)):
        pairs = [float(np.corrcoef(returns[t : t + a].sum(axis=0), returns[t : t + b].sum(axis=0))[0, 1]) for t in range(0, 3900, b)]
        assert luck_share(a, b) == pytest.approx(np.mean(pairs), abs=0.02) == luck_share(b, a)
    assert neighbours_of(5, [20, 10, 5, 3, 2, 1], 2) == (2, 3, 10, 20)


def skill_by_hand(**means: float) -> pl.DataFrame:
    """Rank ICs of 300 decisions that vary a little, by horizon (`h5`)."""
    noise = np.random.default_rng(0).normal(0.0, 0.02, 300)
    parts = [
        pl.DataFrame({"decision_session": DAYS[:300], "horizon_sessions": int(name[1:]), "rank_ic": mean + noise - noise.mean()})
        for name, mean in means.items()
    ]
    return pl.concat(parts)


@pytest.mark.parametrize(
    ("skill", "said"),
    [
        (skill_by_hand(h5=0.03), "no outcomes over other horizons than its 5 sessions are known: add some to labels.horizons_sessions"),
        (skill_by_hand(h1=0.03), "no outcomes over its 5 sessions are known yet"),
        (skill_by_hand(h5=0.03, h40=0.03), "300 sessions with an outcome are too few to judge, 400 are needed"),
        (skill_by_hand(h1=0.03, h5=-0.01, h20=0.05), "does not hold: over 5 sessions its mean rank IC is -0.0100"),
        (skill_by_hand(h1=-0.03, h5=0.01, h20=0.05), "does not hold: over 1 sessions its mean rank IC is -0.0300"),
        (skill_by_hand(h1=0.03 * 0.44, h5=0.03, h20=0.03 * 0.49), "the difference is within chance"),
    ],
)
def test_why_it_does_not_hold_is_said_with_the_numbers(skill: pl.DataFrame, said: str) -> None:
    verdict = holds_on_neighbours(skill, 5)
    assert not verdict.holds
    assert said in verdict.text


def test_only_the_nearest_horizons_count() -> None:
    skill = skill_by_hand(h1=-0.2, h4=0.03, h5=0.02, h6=0.02, h20=-0.3)
    assert holds_on_neighbours(skill, 5).holds
    assert not holds_on_neighbours(skill, 5, on_each_side=2).holds
    assert [one.horizon_sessions for one in holds_on_neighbours(skill, 5).horizons if one.is_neighbour] == [4, 6]


def test_the_persistence_of_scores_is_their_rank_autocorrelation() -> None:
    scores = slow_noise(np.random.default_rng(5), (300, 80), 0.9)
    sessions, symbols = np.nonzero(np.random.default_rng(6).random(scores.shape) < 0.9)  # some are missing
    frame = pl.DataFrame({"symbol": [f"S{i}" for i in symbols], "session": [DAYS[i] for i in sessions], "score": scores[sessions, symbols]})
    assert score_persistence(frame, 20) == pytest.approx([0.9**k for k in range(21)], abs=0.08)
