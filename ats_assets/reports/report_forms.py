"""The forms of a report and their files."""

from collections.abc import Mapping
from types import MappingProxyType

from ats_assets.reports.json_form import report_json
from ats_assets.reports.page import page
from ats_assets.reports.pdf_form import report_pdf
from ats_assets.reports.report_content import ReportContent
from ats_assets.settings import ReportForm

FORMS: Mapping[ReportForm, str] = MappingProxyType({"html": "report.html", "json": "report.json", "pdf": "report.pdf"})
"""The name of the file of each form."""


def written_form(content: ReportContent, form: ReportForm) -> bytes:
    """The bytes of a report in a form, which depend on the content alone.

    Raises
    ------
    SettingsError
        If a PDF is asked for and typst is not installed.
    """
    match form:
        case "html":
            return page(content).encode()
        case "json":
            return report_json(content).encode()
        case "pdf":
            return report_pdf(content)
