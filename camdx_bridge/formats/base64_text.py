"""Base64 as it stands in XML and MIME: line breaks allowed, nothing else."""

import base64
import binascii

from camdx_bridge.errors import refused
from camdx_bridge.refusals import Refusal


def read_base64(text: str, code: Refusal) -> bytes:
    """Return the bytes of base64 text; DocumentRefused with the given code."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refused(code, "base64") from None


def write_base64(data: bytes) -> str:
    """Return the base64 of bytes, on one line."""
    return base64.b64encode(data).decode("ascii")
