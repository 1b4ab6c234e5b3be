"""Whom to believe on X-Road: the global configuration, and what it vouches for."""

from camdx_bridge.trust.anchor import Anchor, AnchorSource, read_anchor
from camdx_bridge.trust.directory import (
    Directory,
    DirectoryEntry,
    read_directory,
    require_entry,
)
from camdx_bridge.trust.private_params import PrivateParameters, read_private_parameters
from camdx_bridge.trust.shared_params import (
    ApprovedCa,
    ApprovedTsa,
    CaEntry,
    GlobalGroup,
    Member,
    OcspResponder,
    SecurityServer,
    SharedParameters,
    Source,
    read_shared_parameters,
)

__all__ = [
    "Anchor",
    "AnchorSource",
    "ApprovedCa",
    "ApprovedTsa",
    "CaEntry",
    "Directory",
    "DirectoryEntry",
    "GlobalGroup",
    "Member",
    "OcspResponder",
    "PrivateParameters",
    "SecurityServer",
    "SharedParameters",
    "Source",
    "read_anchor",
    "read_directory",
    "read_private_parameters",
    "read_shared_parameters",
    "require_entry",
]
