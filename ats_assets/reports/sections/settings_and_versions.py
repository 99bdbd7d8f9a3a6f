"""The settings as a table, and the versions of what the report was made from."""

from collections.abc import Iterator, Mapping, Sequence

from ats_assets.reports.formatting import day, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Settings by section, then versions."""
    m = inputs.metrics
    own = {"first session": day(m.first_session), "last session": day(m.last_session), "sessions with a return": whole(m.sessions)}
    rows = [(section, *pair) for section, values in inputs.shown_settings.items() for pair in _flat(values)]
    blocks: list[Block] = [Note(text="The same versions and settings give the same report, byte for byte.")]
    if rows:
        blocks += [Heading(text="Settings"), Table(columns=("section", "setting", "value"), rows=rows, text_columns=2, wide=-1)]
    for name, values in ({"Sessions": own} | dict(inputs.provenance)).items():
        blocks += [Heading(text=name), Table(columns=("", ""), rows=[(key, str(value)) for key, value in values.items()], wide=-1)]
    return blocks


def _flat(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    """Setting and value; of a table its entries, with a point between."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _written(value)


def _written(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None or value == {} else f"{value:,.10g}" if isinstance(value, float) else str(value)


SECTION = ReportSection(title="Settings and versions", short="Settings", place=140, make=make)
