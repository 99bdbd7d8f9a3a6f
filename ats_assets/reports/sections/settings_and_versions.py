"""The settings as a table, and the versions of what the report was made from."""

from collections.abc import Sequence

from ats_assets.reports.formatting import day, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.settings_rows import settings_rows


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Settings by section, then versions."""
    m = inputs.metrics
    own = {"first session": day(m.first_session), "last session": day(m.last_session), "sessions with a return": whole(m.sessions)}
    rows = settings_rows(inputs.shown_settings)
    blocks: list[Block] = [Note(text="The same versions and settings give the same report, byte for byte.")]
    if rows:
        blocks += [Heading(text="Settings"), Table(columns=("section", "setting", "value"), rows=rows, text_columns=2, wide=-1)]
    for name, values in ({"Sessions": own} | dict(inputs.provenance)).items():
        blocks += [Heading(text=name), Table(columns=("", ""), rows=[(key, str(value)) for key, value in values.items()], wide=-1)]
    return blocks


SECTION = ReportSection(title="Settings and versions", short="Settings", place=140, make=make)
