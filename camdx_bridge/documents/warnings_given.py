"""What a valid document may still deserve to be warned about."""

from enum import StrEnum


class Warned(StrEnum):
    """Findings that leave a document valid, as X-Road leaves it."""

    HASH_CHAIN_NOT_SIGNED = "hash_chain_not_signed"
    FILES_NOT_SIGNED = "files_not_signed"
    MESSAGE_WITHHELD = "message_withheld"
    ATTACHMENTS_MISSING = "attachments_missing"
