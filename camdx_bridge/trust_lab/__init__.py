"""A trust lab: everything a private X-Road instance believes in, made on one machine.

For development and tests only: its keys lie in memory and vouch for whatever is asked.
"""

from camdx_bridge.trust_lab.authorities import Authority, Holder
from camdx_bridge.trust_lab.instance import LabInstance, LabMember
from camdx_bridge.trust_lab.ocsp_answers import OcspDesk
from camdx_bridge.trust_lab.publisher import Publisher
from camdx_bridge.trust_lab.timestamping import TimestampDesk

__all__ = [
    "Authority",
    "Holder",
    "LabInstance",
    "LabMember",
    "OcspDesk",
    "Publisher",
    "TimestampDesk",
]
