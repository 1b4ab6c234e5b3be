"""Signed documents of X-Road: messages with signature and time-stamp, and archives."""

from camdx_bridge.documents.archives import Archive, Link, read_archive
from camdx_bridge.documents.containers import Container, read_container
from camdx_bridge.documents.judgement import (
    Judgement,
    Verdict,
    judge_container,
    judge_file,
)
from camdx_bridge.documents.verifier import Options, Verified, verify_container
from camdx_bridge.documents.warnings_given import Warned

__all__ = [
    "Archive",
    "Container",
    "Judgement",
    "Link",
    "Options",
    "Verdict",
    "Verified",
    "Warned",
    "judge_container",
    "judge_file",
    "read_archive",
    "read_container",
    "verify_container",
]
