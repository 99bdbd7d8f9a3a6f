"""How returns are drawn again for a path: what each way keeps of their order.

| way | keeps | source |
|---|---|---|
| `independent` | nothing: each return by itself, with replacement | Efron 1979 |
| `shuffled` | each return exactly once, in another order | |
| `stationary` | stretches of random length, geometric with a mean | Politis and Romano, JASA 89, 1994 |
| `blocks` | stretches of one length, around the end | Politis and Romano 1992 (circular blocks) |
| `by_state` | regimes: a chain of states, and stretches within each | |
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import SettingsError

Floats = NDArray[np.float64]
Way = Literal["independent", "shuffled", "stationary", "blocks", "by_state"]
_METHODS: dict[Way, int] = {"independent": 0, "stationary": 1, "blocks": 2, "shuffled": 3, "by_state": 4}


@dataclass(frozen=True, kw_only=True)
class StateChain:
    """The states of the returns, and the chances of moving between them.

    Attributes
    ----------
    state_of
        int64 of shape (n_returns,), from 0.
    transition
        From one return to the next, of shape (n_states, n_states).
    """

    state_of: NDArray[np.int64]
    transition: Floats


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """One way, with its block length where it has one.

    Raises
    ------
    SettingsError
        If the block length is below 1, or there is no chain for `by_state`.
    """

    way: Way
    block_length: float = 1.0
    chain: StateChain | None = None
    method: int = field(init=False)

    def __post_init__(self) -> None:
        if not self.block_length >= 1.0:
            raise SettingsError(f"a block has one return at least: block_length is {self.block_length}")
        if (self.way == "by_state") != (self.chain is not None):
            raise SettingsError("resampling by state needs the states of the returns, and no other way takes them")
        object.__setattr__(self, "method", _METHODS[self.way])

    @property
    def kept(self) -> float:
        """The chance that a block goes on by one more return."""
        return 1.0 - 1.0 / self.block_length


def chain_of(states: NDArray[np.int64]) -> tuple[StateChain, NDArray[np.int64]]:
    """The chain that a sequence of states went through, and which states those were; a state that nothing follows goes anywhere.

    Parameters
    ----------
    states
        int64 of shape (n_returns,): any numbers.

    Examples
    --------
    >>> chain, names = chain_of(np.array([0, 0, 2, 2, 2, 0]))
    >>> names.tolist(), chain.state_of.tolist(), chain.transition.round(3).tolist()
    ([0, 2], [0, 0, 1, 1, 1, 0], [[0.5, 0.5], [0.333, 0.667]])
    """
    names, state_of = np.unique(states, return_inverse=True)
    moves = np.zeros((len(names), len(names)))
    np.add.at(moves, (state_of[:-1], state_of[1:]), 1.0)
    moves[moves.sum(axis=1) == 0.0] = 1.0
    chain = StateChain(state_of=state_of.astype(np.int64), transition=moves / moves.sum(axis=1, keepdims=True))
    return chain, names.astype(np.int64)
