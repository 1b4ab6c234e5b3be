"""Errors: who failed, and whether asking again makes sense."""

import pytest

from camdx_bridge import (
    BridgeError,
    CircuitOpen,
    Fault,
    OurServerFailed,
    Party,
    RequestRefused,
    TheirServerFailed,
    TheirSystemFailed,
    errors,
)
from camdx_bridge.errors import fault_of

CODES = [
    ("Server.ServerProxy.AccessDenied", RequestRefused, "accessdenied", False),
    ("server.serverproxy.access_denied", RequestRefused, "accessdenied", False),
    ("Server.ClientProxy.UnknownMember", RequestRefused, "unknownmember", False),
    ("Server.ServerProxy.UnknownService", RequestRefused, "unknownservice", False),
    ("Client.BadRequest", RequestRefused, "badrequest", False),
    ("client.bad_request", RequestRefused, "badrequest", False),
    ("Server.ClientProxy.NetworkError", OurServerFailed, "networkerror", True),
    ("server.clientproxy.network_error", OurServerFailed, "networkerror", True),
    (
        "Server.ClientProxy.SslAuthenticationFailed",
        OurServerFailed,
        "sslauthenticationfailed",
        False,
    ),
    (
        "Server.ServerProxy.LoggingFailed.TimestamperFailed",
        TheirServerFailed,
        "loggingfailed",
        True,
    ),
    (
        "server.serverproxy.outdated_global_conf",
        TheirServerFailed,
        "outdatedglobalconf",
        True,
    ),
    ("Server.ServerProxy.ServiceDisabled", TheirServerFailed, "servicedisabled", True),
    (
        "Server.ServerProxy.ServiceFailed.HttpError",
        TheirSystemFailed,
        "servicefailed",
        True,
    ),
    (
        "server.serverproxy.service_failed.http_error",
        TheirSystemFailed,
        "servicefailed",
        True,
    ),
    ("NobodyKnows", TheirServerFailed, "nobodyknows", True),
    ("Server", TheirServerFailed, "", True),
]


@pytest.mark.parametrize(("code", "kind", "leaf", "is_temporary"), CODES)
def test_both_spellings_of_a_fault_name_the_same_party(
    code: str, kind: type[Fault], leaf: str, is_temporary: bool
) -> None:
    fault = fault_of(code=code, detail="d-1", message_id="m-1")
    assert type(fault) is kind
    assert (fault.leaf, fault.is_temporary) == (leaf, is_temporary)
    assert (fault.code, fault.detail, fault.message_id) == (code, "d-1", "m-1")


def test_the_message_of_a_fault_stays_out_of_its_text() -> None:
    fault = fault_of(code="Client.X", fault_message="SOK SREYPOV", message_id=None)
    assert "SOK" not in str(fault)
    assert fault.fault_message == "SOK SREYPOV"


def walk(kind: type[BridgeError]) -> list[type[BridgeError]]:
    found = [kind]
    for child in kind.__subclasses__():
        found += walk(child)
    return found


def test_every_error_is_drawn_in_the_tree_and_names_a_party() -> None:
    assert errors.__doc__ is not None
    for kind in walk(BridgeError):
        assert kind.__name__ in errors.__doc__
        assert isinstance(kind.party, Party)


def test_an_open_circuit_says_when_to_come_back() -> None:
    assert CircuitOpen(retry_after_s=2.5).retry_after_s == 2.5
    assert CircuitOpen(retry_after_s=2.5).is_temporary
