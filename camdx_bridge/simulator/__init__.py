"""A simulated security server with a register of specimens, for tests and the demo.

It signs nothing, asks nobody for a certificate and knows only invented people.
"""

from camdx_bridge.identifiers import ClientId, ServiceId
from camdx_bridge.simulator.faults import FaultKind, Script
from camdx_bridge.simulator.khmer import khmer_key
from camdx_bridge.simulator.registry import (
    SPECIMENS,
    Citizen,
    RegistryInvalid,
    compare,
    load_registry,
)
from camdx_bridge.simulator.running import NotLoopback, listen, running, server_of
from camdx_bridge.simulator.server import Simulator

IDENTITY = ClientId("CAMBODIA", "GOV", "MOI-SIMULATED", "NATIONAL_ID")
SERVICE = ServiceId("CAMBODIA", "GOV", "MOI-SIMULATED", "NATIONAL_ID", "verify")
CLIENT = ClientId("CAMBODIA", "GOV", "CAMDIGIKEY-SIMULATED", "IDENTITY")

__all__ = [
    "CLIENT",
    "IDENTITY",
    "SERVICE",
    "SPECIMENS",
    "Citizen",
    "FaultKind",
    "NotLoopback",
    "RegistryInvalid",
    "Script",
    "Simulator",
    "compare",
    "khmer_key",
    "listen",
    "load_registry",
    "running",
    "server_of",
]
