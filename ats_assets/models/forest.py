"""Forests of trees on the cross-section, fitted by scikit-learn: what random forests and extremely randomised trees share.

Rows are not independent, since the labels of neighbouring sessions overlap: `max_samples` below 1 takes fewer of them for each tree, which keeps the trees apart. Where rows
have weights they are drawn in proportion to them. With `bootstrap = "sequential"` they are drawn one after the other, those whose label overlaps what was drawn
less likely (López de Prado, Advances in Financial Machine Learning, 2018, section 4.5), and weights count in the fit of each tree.
The validation sessions are not used to stop, only to judge. Of a classification a leaf is the share of its rows that are above their session's median, and a score a probability.

A forest is stored as a table of its nodes in an Arrow file, one row a node (tree, left, right, feature, threshold, missing_left, value), never as a pickle. Scores are
computed from that table, tree by tree in their order: scikit-learn's own `predict` adds up the trees in the order in which its threads end, so that its last bits
differ from run to run.
"""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.errors import ModelError
from ats_assets.labels.sequential_bootstrap import sequential_bootstrap
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.objectives import LABEL_KINDS, above_median
from ats_assets.models.training_set import TrainingSet
from ats_assets.settings import Positive, Search, SearchRange, Section

NODES = pl.Schema(
    {
        "tree": pl.Int32,
        "left": pl.Int32,
        "right": pl.Int32,
        "feature": pl.Int32,
        "threshold": pl.Float64,
        "missing_left": pl.Boolean,
        "value": pl.Float64,
    }
)
LEAF = -1
FOREST_SPACE: dict[str, Search] = {
    "max_depth": SearchRange(low=3, high=12),
    "min_samples_leaf": SearchRange(low=50, high=2_000, log=True),
    "max_features": SearchRange(low=0.1, high=1.0),
    "max_samples": SearchRange(low=0.2, high=1.0),
}
"""What tuning chooses from."""


class ForestSettings(Section):
    """A forest by scikit-learn."""

    objective: Literal["regression", "classification"] = Field(
        default="regression", description="squared error on the label, or whether it is above the session's median"
    )
    trees: Positive = 100
    max_depth: Positive = Field(default=8, description="levels of splits of a tree")
    min_samples_leaf: Positive = Field(default=200, description="rows of a leaf at least")
    max_features: float = Field(default=0.3, gt=0, le=1, description="share of the features that a split chooses from")
    max_samples: float = Field(default=0.5, gt=0, le=1, description="rows that a tree is grown on, as a share of all")
    bootstrap: Literal["rows", "sequential"] = Field(
        default="rows", description="how these are drawn: each for itself, or those whose label overlaps what was drawn less likely"
    )
    seed: int = 7


class ForestLearner:
    """A forest on the cross-section.

    Parameters
    ----------
    settings
        Of the forest.
    forest, tree
        Of `sklearn.ensemble` and `sklearn.tree`, by name.
    """

    file = "model.arrow"
    library = "scikit-learn"
    weighs_rows = True

    def __init__(self, settings: ForestSettings, forest: str, tree: str) -> None:
        self.settings = settings
        self._forest, self._tree = forest, tree

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Grow the trees on `data.train`; `Unavailable` if none has a split."""
        from sklearn import ensemble  # noqa: PLC0415 - takes seconds, and most who import this fit nothing

        own = self._parameters()
        target = self._target(data)
        if self.settings.bootstrap == "sequential":
            trees = self._sequential(data, target, threads)
        else:
            forest = getattr(ensemble, self._forest)(**own, bootstrap=True, n_jobs=threads)
            trees = forest.fit(data.train.x, target, sample_weight=data.train.weights).estimators_
        nodes = pl.concat(_nodes(number, tree.tree_) for number, tree in enumerate(trees))
        if (nodes["feature"] == LEAF).all():
            return Unavailable(
                reason=f"no tree of the fit as of {data.window.session} has a split, so that every symbol would have the same score; "
                f"lower min_samples_leaf ({self.settings.min_samples_leaf}), or train on more sessions or symbols than {len(data.train.y):,} rows"
            )
        buffer = io.BytesIO()
        nodes.write_ipc(buffer, compression="zstd", compat_level=pl.CompatLevel.oldest())
        return Fitted(
            content=buffer.getvalue(),
            scores=Forest(nodes).predict(data.validation.x),
            rounds=len(trees),
            importance={name: float(gain) for name, gain in zip(data.features, _importance(trees), strict=True)},
            parameters=own | self.settings.model_dump(include={"bootstrap", "objective"}, exclude_defaults=True),
            label_kind=LABEL_KINDS.get(self.settings.objective),
        )

    def load(self, content: bytes) -> "Forest":
        """The forest of an Arrow file of nodes.

        Raises
        ------
        ModelError
            If it is damaged, or of something else.
        """
        try:
            nodes = pl.read_ipc(io.BytesIO(content))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            raise ModelError(f"these bytes are no Arrow file of a forest's nodes: {error}") from error
        if dict(nodes.schema) != dict(NODES) or not _are_trees(nodes):
            raise ModelError("these bytes are an Arrow file, but not of a forest's nodes, or a damaged one: fit it again with ats run")
        return Forest(nodes)

    def _target(self, data: TrainingSet) -> np.ndarray:
        return above_median(data.train) if self.settings.objective == "classification" else data.train.y

    def _sequential(self, data: TrainingSet, target: np.ndarray, threads: int) -> list[Any]:
        """Trees, each on a sequential bootstrap of its own; a row counts as often as it was drawn, times its weight.

        Raises
        ------
        ModelError
            If the rows do not tell the spans of their labels.
        """
        from sklearn import tree as trees_of  # noqa: PLC0415 - as above

        settings, rows, spans = self.settings, data.train, data.train.spans
        if spans is None:
            raise ModelError(
                "the forest's bootstrap is 'sequential', but these rows do not tell the spans of their labels: set it to 'rows'"
            )
        n = len(target)
        seeds = np.random.default_rng(settings.seed).integers(0, 2**31 - 1, size=settings.trees).tolist()

        def grown(seed: int) -> Any:
            drawn = sequential_bootstrap(
                spans.decided, spans.known, seed=seed, draws=max(1, int(settings.max_samples * n)), group=spans.group
            )
            counted = np.bincount(drawn, minlength=n) * (1.0 if rows.weights is None else rows.weights)
            tree = getattr(trees_of, self._tree)(
                max_depth=settings.max_depth,
                min_samples_leaf=settings.min_samples_leaf,
                max_features=settings.max_features,
                random_state=seed,
            )
            return tree.fit(rows.x, target, sample_weight=counted)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(grown, seeds))

    def _parameters(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "n_estimators": settings.trees,
            "max_depth": settings.max_depth,
            "min_samples_leaf": settings.min_samples_leaf,
            "max_features": settings.max_features,
            "max_samples": settings.max_samples,
            "random_state": settings.seed,
        }


class Forest:
    """A loaded forest.

    Parameters
    ----------
    nodes
        With the columns of `NODES`; `left` and `right` are places within the tree, -1 in a leaf.
    """

    def __init__(self, nodes: pl.DataFrame) -> None:
        self._trees = [
            {name: part[name].to_numpy() for name in NODES} for part in nodes.partition_by("tree", maintain_order=True, include_key=True)
        ]

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:  # noqa: ARG002 - one thread is quick enough for a session
        """The mean of the trees' leaves, added up in the order of the trees: float64 of shape (n_rows,)."""
        total = np.zeros(len(x))
        for tree in self._trees:
            at = np.zeros(len(x), dtype=np.int64)
            for rows, _, below in _descent(tree, x):
                at[rows] = below
            total += tree["value"][at]
        return total / len(self._trees)

    def contributions(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:  # noqa: ARG002 - as for the scores
        """By which the mean of the rows of a node changes where a split on the feature is passed, on the row's way down (Saabas, 2014); last the mean of the roots."""
        total = np.zeros((len(x), x.shape[1] + 1))
        for tree in self._trees:
            total[:, -1] += tree["value"][0]
            for rows, here, below in _descent(tree, x):
                total[rows, tree["feature"][here]] += tree["value"][below] - tree["value"][here]
        return total / len(self._trees)


def _descent(tree: dict[str, np.ndarray], x: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The way of rows down a tree, a level at a time: those that are not in a leaf yet, where they are, and where they go."""
    rows = np.arange(len(x))
    at = np.zeros(len(x), dtype=np.int64)
    while (inner := tree["feature"][at] != LEAF).any():
        rows, at = rows[inner], at[inner]
        values = x[rows, tree["feature"][at]]
        goes_left = np.where(np.isnan(values), tree["missing_left"][at], values <= tree["threshold"][at])
        below = np.where(goes_left, tree["left"][at], tree["right"][at]).astype(np.int64)
        yield rows, at, below
        at = below


def _are_trees(nodes: pl.DataFrame) -> bool:
    """Whether each way down ends in a leaf: the nodes below one lie after it, in the same tree."""
    place, size = pl.int_range(pl.len()).over("tree"), pl.len().over("tree")
    below = [pl.col(name).is_between(place, size, closed="none") for name in ("left", "right")]
    sound = (pl.col("feature") == LEAF) | ((pl.col("feature") >= 0) & below[0] & below[1])
    return bool(nodes.height) and not sum(nodes.null_count().row(0)) and bool(nodes.select(sound.all()).item())


def _nodes(number: int, tree: Any) -> pl.DataFrame:
    """The nodes of one of scikit-learn's trees."""
    is_leaf = tree.children_left == -1
    return pl.DataFrame(
        {
            "tree": np.full(tree.node_count, number, np.int32),
            "left": tree.children_left,
            "right": tree.children_right,
            "feature": np.where(is_leaf, LEAF, tree.feature),
            "threshold": tree.threshold,
            "missing_left": tree.missing_go_to_left.astype(bool),
            "value": tree.value[:, 0, 0],
        }
    ).cast(NODES)


def _importance(trees: Sequence[Any]) -> np.ndarray:
    """The mean decrease of squared error by feature, the trees added up in their order."""
    return np.sum([tree.feature_importances_ for tree in trees], axis=0) / len(trees)
