"""Signing in the name of a member: its key, fresh evidence, and the time-stamp."""

from camdx_bridge.signing.keys import Pkcs12Key
from camdx_bridge.signing.member_signer import MemberSigner
from camdx_bridge.signing.stamping import StampedSignature, stamp_signatures

__all__ = [
    "MemberSigner",
    "Pkcs12Key",
    "StampedSignature",
    "stamp_signatures",
]
