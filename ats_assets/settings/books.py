"""Whether each strategy has a book of its own."""

from pydantic import Field

from ats_assets.settings.section import Section


class BooksSettings(Section):
    """The way back from netted orders: what each strategy held, traded and made."""

    enabled: bool | None = Field(
        default=None, description="whether `strategy_books` is an asset; default: where several strategies have capital"
    )
