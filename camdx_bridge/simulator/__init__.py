"""A simulated security server with a register of specimens, for tests and the demo.

It signs nothing, asks nobody for a certificate and knows only invented people.
"""

from collections.abc import Collection, Iterable

from starlette.applications import Starlette
from starlette.routing import Mount

from camdx_bridge.identifiers import ClientId, ServiceId
from camdx_bridge.simulator.faults import FaultKind, Script
from camdx_bridge.simulator.khmer import khmer_key
from camdx_bridge.simulator.registry import (
    SPECIMENS,
    Citizen,
    RegistryInvalid,
    compare,
    load_registry,
    read_citizen,
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
    "create_simulator",
    "khmer_key",
    "listen",
    "load_registry",
    "read_citizen",
    "running",
    "server_of",
]


def create_simulator(
    citizens: Iterable[Citizen] | None = None, clients: Collection[ClientId] = (CLIENT,)
) -> Starlette:
    """Return the simulator as an application to mount or to call in process.

    None takes the specimens. Connections can be reset only over real HTTP.
    """
    found = load_registry().values() if citizens is None else citizens
    simulator = Simulator(
        registry={citizen.number: citizen for citizen in found},
        identity=IDENTITY,
        clients=clients,
    )
    return Starlette(routes=[Mount("/", app=simulator)])
