"""Random numbers against published vectors, ways of drawing against what they promise, and figures of paths against plain NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ContractError, SettingsError
from ats_assets.risk_analysis.block_length import optimal_block_length
from ats_assets.risk_analysis.path_kernels import fill_places, philox
from ats_assets.risk_analysis.resampling import Resampling, chain_of
from ats_assets.risk_analysis.simulated_paths import simulated_paths

WORD = np.uint64
RETURNS = np.random.default_rng(7).normal(0.001, 0.02, 300)
CHAIN, _ = chain_of((np.arange(300) // 30 % 2).astype(np.int64))
WAYS = {
    "independent": Resampling(way="independent"),
    "shuffled": Resampling(way="shuffled"),
    "stationary": Resampling(way="stationary", block_length=8.0),
    "blocks": Resampling(way="blocks", block_length=8.0),
    "by_state": Resampling(way="by_state", block_length=8.0, chain=CHAIN),
}


def places(way: str, n: int, horizon: int, path: int = 0, seed: int = 1) -> np.ndarray:
    """The places that a path takes: the returns are their own places, told apart by paths of one step more each."""
    one = WAYS[way]
    found = np.empty(horizon, np.int64)
    state_of = CHAIN.state_of if one.chain else np.zeros(0, np.int64)
    starts = np.array([0, 150, 300]) if one.chain else np.zeros(2, np.int64)
    members = np.argsort(state_of, kind="stable")
    chances = np.cumsum(CHAIN.transition, axis=1)
    how = (one.kept, round(one.block_length), state_of, starts, members, chances, 1 if one.chain else 0)
    fill_places(one.method, n, WORD(seed), WORD(path), *how, found)
    return found


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_random_words_are_those_of_random123s_known_answers(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    """`kat_vectors` of Random123 for philox4x32 with 10 rounds."""
    assert tuple(map(int, philox(*map(WORD, counter), *map(WORD, key)))) == expected


@pytest.mark.parametrize("way", WAYS)
def test_the_same_paths_by_any_number_of_threads_and_in_any_company(way: str) -> None:
    one = simulated_paths(RETURNS, WAYS[way], paths=700, horizon=120, seed=3, threads=1)
    many = simulated_paths(RETURNS, WAYS[way], paths=700, horizon=120, seed=3, threads=5)
    fewer = simulated_paths(RETURNS, WAYS[way], paths=300, horizon=120, seed=3, threads=2)
    for name in ("final", "drawdown", "longest_under_water", "share_under_water", "ruined_at", "values"):
        assert (getattr(one, name) == getattr(many, name)).all(), name
        assert (getattr(one, name)[:300] == getattr(fewer, name)).all(), name
    if way != "shuffled":
        assert (one.final != simulated_paths(RETURNS, WAYS[way], paths=700, horizon=120, seed=4).final).all()


@pytest.mark.parametrize("way", WAYS)
def test_figures_of_a_path_are_those_of_its_values(way: str) -> None:
    horizon = 300
    found = simulated_paths(RETURNS, WAYS[way], paths=20, horizon=horizon, seed=1, ruin_level=0.9, marks=horizon + 1)
    for path in range(20):
        values = np.append(1.0, np.cumprod(1.0 + RETURNS[places(way, 300, horizon, path)]))
        assert found.values[path] == pytest.approx(values)
        peaks = np.maximum.accumulate(values)
        under = values < peaks
        runs = [len(run) for run in "".join("u" if one else " " for one in under).split()]
        assert found.final[path] == pytest.approx(values[-1])
        assert found.drawdown[path] == pytest.approx((values / peaks - 1).min())
        assert found.longest_under_water[path] == max(runs, default=0)
        assert found.share_under_water[path] == pytest.approx(under[1:].mean())
        below = np.flatnonzero(values <= 0.9)
        assert found.ruined_at[path] == (below[0] if len(below) else -1)


def test_the_drawdown_of_a_known_path() -> None:
    found = simulated_paths(np.full(4, -0.1), Resampling(way="shuffled"), paths=1, horizon=0, ruin_level=0.8)
    assert found.drawdown[0] == pytest.approx(0.9**4 - 1)
    assert (found.longest_under_water[0], found.share_under_water[0], found.ruined_at[0]) == (4, 1.0, 3)
    assert found.ruin_probability == 1.0


def test_shuffled_returns_end_where_they_ended_and_differ_on_the_way() -> None:
    found = simulated_paths(RETURNS, WAYS["shuffled"], paths=200, horizon=0)
    assert found.final == pytest.approx(np.prod(1 + RETURNS))
    assert np.unique(found.drawdown).size > 190
    assert sorted(places("shuffled", 300, 300, 5)) == list(range(300))


def test_every_return_and_every_order_is_as_likely_as_another() -> None:
    counts = np.zeros((4, 4))
    for path in range(6000):
        for at, place in enumerate(places("shuffled", 4, 4, path)):
            counts[at, place] += 1
    assert counts == pytest.approx(1500, abs=6 * np.sqrt(1500 * 0.75))
    for way in ("independent", "stationary", "blocks"):
        drawn = np.bincount(np.concatenate([places(way, 50, 500, path) for path in range(100)]), minlength=50)
        assert drawn == pytest.approx(1000, abs=6 * np.sqrt(1000 * 8)), way


@pytest.mark.parametrize("length", [2.0, 8.0, 25.0])
def test_blocks_of_the_stationary_bootstrap_are_geometric_with_the_mean_length(length: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WAYS, "stationary", Resampling(way="stationary", block_length=length))
    drawn = np.concatenate([np.append(places("stationary", 2**30, 5000, path), -9) for path in range(40)])
    breaks = np.flatnonzero(np.diff(drawn) != 1)
    lengths = np.diff(breaks)
    whole = lengths[lengths < 4000]
    assert whole.mean() == pytest.approx(length, rel=0.06)
    assert (whole == 1).mean() == pytest.approx(1 / length, abs=0.02)
    assert whole.std() == pytest.approx(np.sqrt(length * (length - 1)), rel=0.12)


def test_fixed_blocks_go_around_the_end() -> None:
    drawn = places("blocks", 20, 800)
    for block in drawn.reshape(100, 8):
        assert (np.diff(block) % 20 == 1).all()


def test_by_state_the_states_go_as_their_chain_does() -> None:
    drawn = [CHAIN.state_of[places("by_state", 300, 2000, path)] for path in range(30)]
    first, second = np.concatenate([one[:-1] for one in drawn]), np.concatenate([one[1:] for one in drawn])
    for k in range(2):
        assert second[first == k].mean() == pytest.approx(CHAIN.transition[k, 1], abs=0.01)
    assert np.mean([one[0] for one in drawn]) > 0.8  # from the last state on, which is 1


def test_by_state_what_differs_between_states_is_kept() -> None:
    random = np.random.default_rng(1)
    returns = np.where(CHAIN.state_of == 0, 0.004, 0.04) * random.standard_normal(300)
    kept = simulated_paths(returns, Resampling(way="by_state", chain=CHAIN), paths=2000, horizon=20)
    mixed = simulated_paths(returns, WAYS["independent"], paths=2000, horizon=20)
    assert kept.final.std() > 1.15 * mixed.final.std()  # it begins in the state with the large returns


def test_the_spread_of_a_mean_is_that_of_independent_returns_and_wider_for_what_trends() -> None:
    """The stationary bootstrap with its own block length against the true standard error of the mean of a moving sum."""
    kept, alone = [], []
    for seed in range(8):
        trending = np.convolve(np.random.default_rng(seed).standard_normal(2004) * 0.001, np.ones(5), "valid")
        own = Resampling(way="stationary", block_length=optimal_block_length(trending)[0])
        for resampling, found in ((own, kept), (WAYS["independent"], alone)):
            found.append(np.log(simulated_paths(trending, resampling, paths=500, horizon=2000).final).std())
    expected = 5 * 0.001 * np.sqrt(2000)
    assert np.mean(kept) == pytest.approx(expected, rel=0.12)
    assert np.mean(alone) == pytest.approx(expected / np.sqrt(5), rel=0.12)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.7])
def test_the_block_length_of_an_autoregression_is_that_of_the_formula(kept: float) -> None:
    """Of an AR(1), G / g = 2 rho / (1 - rho^2): b = ((2 rho / (1 - rho^2))^2 n)^(1/3) for the stationary, times (3/2)^(1/3) for circular blocks."""
    found = []
    for seed in range(12):
        noise = np.random.default_rng(seed).standard_normal(8000)
        series = np.zeros(8000)
        for t in range(1, 8000):
            series[t] = kept * series[t - 1] + noise[t]
        found.append(optimal_block_length(series))
    expected = ((2 * kept / (1 - kept**2)) ** 2 * 8000) ** (1 / 3)
    assert np.median([one for one, _ in found]) == pytest.approx(expected, rel=0.25)
    assert [circular / one for one, circular in found] == pytest.approx([1.5 ** (1 / 3)] * 12)


def test_what_is_independent_has_short_blocks_and_what_does_not_vary_has_one() -> None:
    lengths = [optimal_block_length(np.random.default_rng(seed).standard_normal(1000))[0] for seed in range(20)]
    assert np.median(lengths) < 2
    assert optimal_block_length(np.full(100, 0.5)) == (1.0, 1.0)
    assert optimal_block_length(np.arange(3.0)) == (1.0, 1.0)
    assert optimal_block_length(np.arange(400.0))[0] > 20  # a trend


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 2**63))
def test_any_number_of_returns_and_steps_works(n: int, horizon: int, seed: int) -> None:
    returns = np.random.default_rng(n).normal(0, 0.1, n)
    for way in ("independent", "stationary", "blocks", "shuffled"):
        found = simulated_paths(returns, WAYS[way], paths=3, horizon=horizon, seed=seed)
        assert np.isfinite(found.values).all()
        assert found.marks[-1] == (n if way == "shuffled" else horizon)


def test_a_loss_of_more_than_all_is_a_loss_of_all() -> None:
    found = simulated_paths(np.array([-1.5]), WAYS["independent"], paths=2, horizon=3)
    assert found.final.tolist() == [0.0, 0.0]
    assert found.drawdown.tolist() == [-1.0, -1.0]
    assert found.ruined_at.tolist() == [1, 1]


def test_what_can_not_be_drawn_says_so() -> None:
    for returns in (np.zeros(0), np.array([0.1, np.nan])):
        with pytest.raises(ContractError, match="must be finite"):
            simulated_paths(returns, WAYS["independent"], paths=1, horizon=1)
    with pytest.raises(SettingsError, match=r"block_length is 0\.5"):
        Resampling(way="blocks", block_length=0.5)
    with pytest.raises(SettingsError, match="needs the states"):
        Resampling(way="by_state")
