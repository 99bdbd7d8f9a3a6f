"""The models of qlib's zoo (Yang et al., arXiv:2009.11189, 2020) on the features of this project: trained by qlib's own code from memory, with neither its data folder nor `qlib.init`.

| `model` | what | a row is | needs |
|---|---|---|---|
| LGB, XGB | boosted trees | the features as they are | xgboost for XGB |
| Linear | least squares, `options.estimator` | the features, scaled | |
| MLP | a net of one row | the features, scaled | torch |
| LSTM, GRU, ALSTM, TCN, Transformer, Localformer, TRA | nets of sequences | Alpha360: 60 sessions of 6 prices, or `sequence_sessions` sessions of any features | torch |

Training, early stopping and the shuffling of rows are qlib's; the label is what the project teaches, and features are scaled by what the training rows say. Each fit is done by one thread
with generators of its own seed, so that it gives the same bytes again; nets score as `qlib_nets` says. Models whose scores of a row depend on other rows of its session are not offered.
"""

import importlib.util
import re
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from ats_assets.errors import ModelError, SettingsError
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.lightgbm_trees import LightgbmTrees
from ats_assets.models.linear_table import LinearScorer, distances, feature_scales, linear_scorer, linear_text
from ats_assets.models.qlib_memory import memory_dataset, panda_frame, quiet_qlib
from ats_assets.models.qlib_nets import CLASSES, NetShape, QlibNet, net_arguments, trained_net
from ats_assets.models.training_set import TrainingSet
from ats_assets.models.xgboost_trees import XgboostTrees
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section

FILES: Final = {"LGB": "model.txt", "XGB": "model.ubj", "Linear": "model.linear.json"}
OF_A_SESSION: Final = "it scores a symbol by the others of its session, and here a row's score depends on that row alone"
NOT_OFFERED: Final = {
    "HIST": "it needs a table of the concepts of each stock (stock2concept) and an index of stocks, which qlib's authors publish for CSI stocks alone; and "
    + OF_A_SESSION,
    "GATs": OF_A_SESSION,
    "IGMTF": OF_A_SESSION,
    "ADD": "it needs the market's return beside each label and trains on whole sessions",
    "TCTS": "it needs labels of several horizons at once",
    "SFM": "its code draws new states for each batch",
    "TabNet": "it is pre-trained on rows that have no label, which a training set has not",
}
THREADS_LINE: Final = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)

ZooModel = Literal["LGB", "XGB", "Linear", "MLP", "LSTM", "GRU", "ALSTM", "TCN", "Transformer", "Localformer", "TRA"]


class QlibZooSettings(Section):
    """A model of qlib's zoo."""

    model: ZooModel = Field(default="LGB", description="as qlib's benchmarks call it")
    options: dict[str, Any] = Field(
        default_factory=dict, description="further arguments of qlib's class, such as hidden_size; of MLP `layers`, of TRA `num_states`"
    )
    max_epochs: Positive = Field(default=100, description="of a net; rounds of boosted trees; of MLP steps, each of one batch")
    early_stop: Positive = Field(default=10, description="epochs or rounds without a better validation loss, then the fit ends")
    batch_size: Positive = Field(default=2000, description="rows of a batch of a net; fewer where there are fewer")
    sequence_sessions: Positive = Field(default=1, description="sessions of features that a net of sequences looks at")
    features_per_session: Positive = Field(
        default=6, description="of a row that is a sequence already, as those of Alpha360 are; with sequence_sessions above 1 all features"
    )
    clip_deviations: float = Field(default=3.0, gt=0, le=16, description="of scaled features, as in qlib's RobustZScoreNorm")
    seed: int = 7

    @field_validator("model", mode="before")
    @classmethod
    def _offered(cls, value: Any) -> Any:
        if value in NOT_OFFERED:
            raise ValueError(f"qlib's {value} can't be trained here: {NOT_OFFERED[value]}")
        return value

    @model_validator(mode="after")
    def _trees_look_at_one_row(self) -> "QlibZooSettings":
        if self.sequence_sessions > 1 and self.model not in CLASSES:
            raise ValueError(f"sequence_sessions is {self.sequence_sessions}, but qlib's {self.model} looks at one row: leave it out")
        return self


class QlibZoo:
    """A model of qlib's zoo on the cross-section."""

    library = "pyqlib"
    weighs_rows = False

    def __init__(self, settings: QlibZooSettings) -> None:
        self.settings = settings
        self.file = FILES.get(settings.model, "model.safetensors")
        self.sequence_sessions = settings.sequence_sessions
        self.row_is_sequence = settings.model in CLASSES and settings.model != "MLP" and settings.sequence_sessions == 1
        extra = {"XGB": ("xgboost", "xgboost")}.get(settings.model, ("torch", "torch") if settings.model in CLASSES else None)
        if extra and importlib.util.find_spec(extra[0]) is None:
            raise SettingsError(
                f"the model 'qlib_zoo' of {settings.model} needs {extra[0]}, which is not installed: pip install 'ats-assets[{extra[1]}]'"
            )

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Have qlib train the model on `data.train` and stop it on `data.validation`.

        Raises
        ------
        ModelError
            If the features make no sequences, or qlib's class does not know an option.
        """
        made = self._net(data) if self.settings.model in CLASSES else self._of_rows(data, threads)
        if isinstance(made, Unavailable):
            return made
        content, rounds, importance = made
        scorer = self.load(content)
        inputs: Any = data.validation.sequences if self.sequence_sessions > 1 else data.validation.x
        if importance is None and isinstance(scorer, QlibNet):
            importance = scorer.importance(inputs)
        if not any(importance or ()):
            return Unavailable(
                reason=f"qlib's {self.settings.model} gives every symbol the same score as of {data.window.session}: raise max_epochs, or train on more rows than "
                f"{len(data.train.y):,}"
            )
        return Fitted(
            content=content,
            scores=scorer.predict(inputs),
            rounds=rounds,
            importance=dict(zip(data.features, importance or (), strict=True)),
            parameters=self.settings.model_dump(mode="json"),
        )

    def load(self, content: bytes) -> LightgbmTrees | XgboostTrees | LinearScorer | QlibNet:
        """The model of the bytes of its library."""
        loaders: dict[str, Any] = {"LGB": LightgbmTrees, "XGB": XgboostTrees, "Linear": linear_scorer}
        return loaders.get(self.settings.model, QlibNet)(content)

    def _of_rows(self, data: TrainingSet, threads: int) -> tuple[bytes, int, list[float]] | Unavailable:
        """LGB, XGB or Linear: bytes, rounds, importance."""
        settings, n = self.settings, len(data.features)
        centre, spread = feature_scales(data.train.x) if settings.model == "Linear" else (np.zeros(n), np.ones(n))

        def rows(x: np.ndarray) -> np.ndarray:
            return distances(x, centre, spread, settings.clip_deviations) if settings.model == "Linear" else x

        frames = {name: panda_frame(rows(part.x), part.y, part.keys) for name, part in (("train", data.train), ("valid", data.validation))}
        with quiet_qlib():
            return getattr(self, f"_{settings.model.lower()}")(memory_dataset(frames), data, (centre, spread), threads)

    def _lgb(self, dataset: Any, _data: TrainingSet, _scales: Any, threads: int) -> tuple[bytes, int, list[float]]:
        from qlib.contrib.model.gbdt import LGBModel  # noqa: PLC0415 - takes seconds

        settings = self.settings
        own = {"deterministic": True, "force_col_wise": True, "num_threads": threads, "seed": settings.seed}
        model = LGBModel(num_boost_round=settings.max_epochs, early_stopping_rounds=settings.early_stop, **(settings.options | own))
        model.fit(dataset)
        booster: Any = model.model
        best = booster.best_iteration or booster.current_iteration()
        text = THREADS_LINE.sub("[num_threads: 0]", booster.model_to_string(num_iteration=best))
        gains = booster.feature_importance("gain", iteration=best)
        return text.encode(), best, [float(gain) for gain in gains]

    def _xgb(self, dataset: Any, data: TrainingSet, _: Any, threads: int) -> tuple[bytes, int, list[float]]:  # noqa: ARG002 - its sums follow its threads
        from qlib.contrib.model.xgboost import XGBModel  # noqa: PLC0415 - takes seconds

        settings = self.settings
        told = {"base_score": float(data.train.y.mean()), "tree_method": "hist"} | settings.options | {"nthread": 1, "seed": settings.seed}
        model = XGBModel(**told)
        model.fit(
            dataset, num_boost_round=settings.max_epochs, early_stopping_rounds=settings.early_stop, verbose_eval=False, evals_result={}
        )
        booster: Any = model.model
        best = booster.best_iteration + 1
        gains = booster[:best].get_score(importance_type="total_gain")
        return bytes(booster[:best].save_raw("ubj")), best, [float(gains.get(f"f{at}", 0.0)) for at in range(len(data.features))]

    def _linear(
        self,
        dataset: Any,
        data: TrainingSet,
        scales: tuple[np.ndarray, np.ndarray],
        threads: int,  # noqa: ARG002 - LAPACK's bits follow its threads
    ) -> tuple[bytes, int, list[float]]:
        from qlib.contrib.model.linear import LinearModel  # noqa: PLC0415 - takes seconds
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

        model = LinearModel(**{"fit_intercept": True, **self.settings.options})  # pyright: ignore[reportArgumentType]
        with threadpool_limits(1):
            model.fit(dataset)
        weight = np.asarray(model.coef_, dtype=np.float64)
        text = linear_text(data.features, *scales, weight, intercept=float(model.intercept_), clip_deviations=self.settings.clip_deviations)
        return text, 1, np.abs(weight).tolist()

    def _net(self, data: TrainingSet) -> tuple[bytes, int, None] | Unavailable:
        settings, n = self.settings, len(data.features)
        features, sessions = self._layout(n)
        centre, spread = feature_scales(data.train.x)
        shape = NetShape(
            model=settings.model,
            arguments=net_arguments(settings.model, features, sessions, settings.options),
            centre=centre.tolist(),
            spread=spread.tolist(),
            clip_deviations=settings.clip_deviations,
        )
        parts = {
            name: (part.sequences if self.sequence_sessions > 1 else part.x, part.y, part.keys)
            for name, part in (("train", data.train), ("valid", data.validation))
        }
        rows = min(settings.batch_size, len(data.train.y), len(data.validation.y))  # qlib leaves a last batch out that is not full
        epochs = {"n_epochs": settings.max_epochs, "max_steps": settings.max_epochs, "batch_size": rows}
        patience = {"early_stop": settings.early_stop, "early_stop_rounds": settings.early_stop}
        found = trained_net(shape, parts, seed=settings.seed, training=epochs | patience)
        if found is None:
            return Unavailable(
                reason=f"no epoch of qlib's {settings.model} had a finite loss as of {data.window.session}: lower its learning rate, options.lr"
            )
        return *found, None

    def _layout(self, n: int) -> tuple[int, int]:
        """Features of a session, and sessions of a row."""
        settings = self.settings
        if settings.model == "MLP" or settings.sequence_sessions > 1:
            return n, settings.sequence_sessions
        if n % settings.features_per_session:
            raise ModelError(
                f"qlib's {settings.model} looks at sequences, and {n} features are none of {settings.features_per_session} a session: learn from alpha360 alone, or set "
                "sequence_sessions of the model"
            )
        return settings.features_per_session, n // settings.features_per_session


PLUGIN = Plugin(
    settings=QlibZooSettings,
    make=QlibZoo,
    quick={"max_epochs": 1, "early_stop": 1, "batch_size": 200},
)
