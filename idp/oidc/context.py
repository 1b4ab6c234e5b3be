"""Where the endpoints find the running provider."""

from typing import cast

from starlette.requests import Request

from idp.services import Services


def services_of(request: Request) -> Services:
    """Return the services that the lifespan put beside every request."""
    return cast("Services", request.state.services)
