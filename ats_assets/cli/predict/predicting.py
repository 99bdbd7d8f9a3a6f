"""What `ats predict` does."""

import json
from collections.abc import Mapping
from pathlib import Path

import typer

from ats_assets.cli.predict.row_output import model_as_json, write_rows
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.runs.writing import parse_day, require_writable, said_if_slow, say
from ats_assets.settings import load_settings
from ats_assets.storage.model_record import ModelRecord

ENDINGS = (".json", ".csv", ".parquet")
COMPILES = "ats predict: still at it; the first prediction from bars on a machine compiles kernels, which takes half a minute"
Data = Mapping[str, Mapping[str, str]]


def predicted(
    *,
    model: str | None,
    session: str | None,
    file: Path | None,
    form: str,
    output: Path | None,
    features: Path | None = None,
    actions: Path | None = None,
) -> None:
    """Write the predictions to standard output, or to a file, and of what they were made to standard error."""
    day = parse_day(session, "--session")
    if output is not None and output.suffix not in ENDINGS:
        raise typer.BadParameter(f"{output} ends in none of {', '.join(ENDINGS)}: its ending says how it is written", param_hint="--output")
    require_writable(output)
    if file is None and (features or actions):
        raise typer.BadParameter("--features and --actions go with a file of bars: name it with --input")
    deployment = Deployment(load_settings())
    if file is not None and _holds_bars(deployment, file, model, with_features=features is not None):
        from ats_assets.cli.predict.bar_output import write_bar_signals  # noqa: PLC0415
        from ats_assets.runs.bar_signals.quick_start import import_numba_alone  # noqa: PLC0415
        from ats_assets.runs.bar_signals.signals_of_bars import signals_of_bars  # noqa: PLC0415

        import_numba_alone()
        with said_if_slow(COMPILES):
            made = signals_of_bars(deployment, file, model=model, features=features, actions=actions, session=day)
        of = [line for record in made.records.values() for line in provenance(record, {})]
        write_bar_signals(made, [*of, f"data: {file} (a file)"], form=form, output=output)
        return
    from ats_assets.serving.queries.saved_models import predictions_of_file, predictions_of_session  # noqa: PLC0415 - models of events, too

    found = predictions_of_session(deployment, model, day) if file is None else predictions_of_file(deployment, model, file, day)
    for line in provenance(found.record, found.data):
        say(line)
    whole = {"model": _as_json(found.record, found.data), "predictions": json.loads(found.rows.write_json())}
    write_rows(found.rows, whole, form=form, output=output)


def _holds_bars(deployment: Deployment, file: Path, model: str | None, *, with_features: bool) -> bool:
    """Whether a file is of bars, and not of rows of features: it has prices, or nothing that a model learns from."""
    from ats_assets.runs.bar_signals.bar_features import column_names  # noqa: PLC0415

    if not file.exists():
        raise SettingsError(f"there is no file or folder {file}: correct --input")
    if model in deployment.settings.event_models:
        return False
    if with_features or file.is_dir():
        return True
    from ats_assets.features.choosing import model_families  # noqa: PLC0415
    from ats_assets.sources.column_names import normalised  # noqa: PLC0415

    names = column_names(file)
    if {"open", "high", "low", "close"} <= {normalised(name) for name in names}:
        return True
    learnt = {factor for family in deployment.of(model_families).values() for factor in family.factors}
    return not deployment.settings.event_models and learnt.isdisjoint(names)


def provenance(record: ModelRecord, data: Data) -> list[str]:
    """Of what predictions were made, a line each."""
    versions = record.versions
    libraries = ", ".join(f"{name} {versions[name]}" for name in versions if name not in {"code", "settings"} and len(versions[name]) < 20)
    return [
        f"model: {record.name}, fitted at {record.fitted_session}, {record.learner} ({libraries}), SHA-256 {record.model_sha256}",
        f"code: {versions.get('code', 'unknown')}; settings: {versions.get('settings', 'unknown')}",
        *(f"data: {name} {_versions(of)}" for name, of in data.items()),
    ]


def _versions(of: Mapping[str, str]) -> str:
    return ", ".join(f"{session} {version}" for session, version in of.items()) or "(a file)"


def _as_json(record: ModelRecord, data: Data) -> dict[str, object]:
    return model_as_json(record) | {"data": {name: dict(of) for name, of in data.items()}}
