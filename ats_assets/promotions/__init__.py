"""What persons decide on who is champion: promotions and rollbacks, and with them how much was tried by then, as a delivery."""

from ats_assets.promotions.decision_journal import PromotionDecision, PromotionJournal, journal_of
from ats_assets.promotions.schema import RAW_PROMOTIONS_SCHEMA

__all__ = ["RAW_PROMOTIONS_SCHEMA", "PromotionDecision", "PromotionJournal", "journal_of"]
