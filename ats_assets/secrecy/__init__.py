"""Secrets: where they come from, and how they are kept out of all that is written."""

from ats_assets.secrecy.event_documents import redacted_document, redacted_tags
from ats_assets.secrecy.guard import guard_secrets
from ats_assets.secrecy.redaction import (
    HIDDEN,
    Redactor,
    current_redactor,
    hold_secret,
    hold_secret_text,
    is_distinct,
    redacted,
    secret_forms,
    secret_variables,
    weak_secrets,
)
from ats_assets.secrecy.secrets_file import SECRETS_FILE, read_secrets_file, readers_besides_owner

__all__ = [
    "HIDDEN",
    "SECRETS_FILE",
    "Redactor",
    "current_redactor",
    "guard_secrets",
    "hold_secret",
    "hold_secret_text",
    "is_distinct",
    "read_secrets_file",
    "readers_besides_owner",
    "redacted",
    "redacted_document",
    "redacted_tags",
    "secret_forms",
    "secret_variables",
    "weak_secrets",
]
