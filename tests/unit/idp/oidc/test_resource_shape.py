"""RFC 8707, 2: what is no absolute URI is no resource, whoever registered it."""

from dataclasses import replace

import pytest

from idp.domain.party_metadata import PartyMetadata
from tests.unit.idp.oidc.signed_party import KEYS, request_object
from tests.unit.idp.oidc.world import PARTY, World, query_of

pytestmark = pytest.mark.anyio
SHAPELESS = [
    *("https://api.example/a#f", "https://api.example/a#"),
    *("/a", "api", "x:", "https://[api.example/a", "https://api.example/\u200b"),
]


@pytest.mark.parametrize("resource", SHAPELESS)
async def test_rfc8707_2_a_registered_resource_is_an_absolute_uri_too(
    world: World, resource: str
) -> None:
    metadata = PartyMetadata(resources=(resource,))
    await world.add_party(replace(PARTY, id="api", metadata=metadata))
    said = query_of(await world.ask(client_id="api", resource=resource))
    assert said["error"] == "invalid_target"


async def test_eight_resources_may_be_asked_for_at_once(world: World) -> None:
    eight = tuple(f"urn:example:{number}" for number in range(9))
    metadata = PartyMetadata(resources=eight)
    await world.add_party(replace(PARTY, id="api", metadata=metadata))
    asked = await world.ask(client_id="api", resource=" ".join(eight[:8]))
    assert (await world.parked(asked)).request.resources == eight[:8]
    said = query_of(await world.ask(client_id="api", resource=" ".join(eight)))
    assert said["error_description"] == "too many resources"


async def test_several_resources_of_a_request_object_are_a_list_of_texts(
    world: World,
) -> None:
    both = ("urn:example:tax", "urn:example:land")
    metadata = replace(KEYS, resources=both)
    await world.add_party(replace(PARTY, id="api", metadata=metadata))
    signed = request_object(world, "api", resource=[*both])
    asked = await world.ask(client_id="api", request=signed)
    assert (await world.parked(asked)).request.resources == both
    for wrong in ([both[0], 1], [[both[0]]]):
        signed = request_object(world, "api", resource=wrong)
        said = query_of(await world.ask(client_id="api", request=signed))
        assert said["error"] == "invalid_target", wrong


@pytest.mark.parametrize("resource", ["urn:example:tax", "https://api.example"])
async def test_rfc8707_2_a_resource_may_be_a_name_or_a_bare_origin(
    world: World, resource: str
) -> None:
    metadata = PartyMetadata(resources=(resource,))
    await world.add_party(replace(PARTY, id="api", metadata=metadata))
    asked = await world.ask(client_id="api", resource=resource)
    assert (await world.parked(asked)).request.resources == (resource,)
