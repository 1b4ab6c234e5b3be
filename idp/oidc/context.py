"""What the protocol door needs of the running provider."""

from typing import Protocol, cast

from starlette.requests import Request

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit
from idp.domain.consents import Consents
from idp.domain.grants import Grants
from idp.domain.interactions import Interactions
from idp.domain.keys import Keys
from idp.domain.relying_parties import RelyingParties
from idp.domain.sessions import Sessions
from idp.interfaces import Clock
from idp.settings import IdpSettings
from idp.storage.encryption import Sealer
from idp.storage.store import Store


class OidcServices(Protocol):
    """The part of `idp.services.Services` that this door uses."""

    @property
    def settings(self) -> IdpSettings:
        """The provider's settings."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock."""
        ...

    @property
    def store(self) -> Store:
        """The database."""
        ...

    @property
    def sealer(self) -> Sealer:
        """The seals."""
        ...

    @property
    def keys(self) -> Keys:
        """The signing keys."""
        ...

    @property
    def audit(self) -> Audit:
        """The record of decisions."""
        ...

    @property
    def accounts(self) -> Accounts:
        """The citizens."""
        ...

    @property
    def interactions(self) -> Interactions:
        """The parked requests."""
        ...

    @property
    def relying_parties(self) -> RelyingParties:
        """The registered parties."""
        ...

    @property
    def grants(self) -> Grants:
        """Codes and refresh families."""
        ...

    @property
    def sessions(self) -> Sessions:
        """The signed-in browsers."""
        ...

    @property
    def consents(self) -> Consents:
        """What was released to whom."""
        ...


def services_of(request: Request) -> OidcServices:
    """Return the services that the lifespan put beside every request."""
    return cast("OidcServices", request.state.services)
