"""In which forms reports are written."""

from typing import Literal

from pydantic import Field, field_validator

from ats_assets.settings.section import Section

ReportForm = Literal["html", "json", "pdf"]


class ReportSettings(Section):
    """Of the backtest report."""

    forms: tuple[ReportForm, ...] = Field(
        default=("html", "json"), description="html, and beside it json (every figure, for programs) and pdf (needs ats-assets[pdf])"
    )

    @field_validator("forms")
    @classmethod
    def _html_is_one(cls, forms: tuple[ReportForm, ...]) -> tuple[ReportForm, ...]:
        if "html" not in forms:
            raise ValueError(f'html must be one of the forms, since ats report opens it: write ["html", {", ".join(map(repr, forms))}]')
        return tuple(dict.fromkeys(forms))
