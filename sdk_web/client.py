"""The client of a portal: start a login, finish it, and what follows."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx2

from sdk_web.errors import (
    CallbackMalformed,
    LoginDenied,
    Misconfigured,
    ResponseIssuerMismatch,
    StateMismatch,
    SubjectMismatch,
    TokenRefused,
    TransactionExpired,
    TransactionSpent,
    UnexpectedAnswer,
)
from sdk_web.fetching import DEADLINE_SECONDS, Answer, Fetcher
from sdk_web.metadata import Provider, ProviderMetadata
from sdk_web.relying_party import RelyingParty
from sdk_web.tokens import (
    LEVELS,
    Expected,
    Tokens,
    VerifiedIdToken,
    check_refreshed,
    read_header,
    verify_id_token,
)
from sdk_web.transaction import (
    LIFETIME_SECONDS,
    LoginTransaction,
    SpentInMemory,
    SpentTransactions,
)

MAX_CALLBACK_CHARACTERS = 8192
TIMEOUT = httpx2.Timeout(5.0)
LIMITS = httpx2.Limits(max_connections=32, max_keepalive_connections=16)


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """Send the browser to `url`; keep `transaction` safe until it is back."""

    url: str
    transaction: LoginTransaction


@dataclass(frozen=True, slots=True)
class UserInfo:
    """What the provider says about the person of a login."""

    subject: str
    claims: Mapping[str, object]


class CamDigiKeyClient:
    """Logs people in at one provider for one relying party.

    Close it, or use it with `async with`. `transport` replaces the network (an
    ASGI application in tests); `clock` returns seconds since 1970; `deadline` is
    the most seconds that one request may take.
    """

    def __init__(
        self,
        relying_party: RelyingParty,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        spent: SpentTransactions | None = None,
        deadline: float = DEADLINE_SECONDS,
    ) -> None:
        self.relying_party = relying_party
        self._clock = clock
        self._spent = SpentInMemory() if spent is None else spent
        self._http = httpx2.AsyncClient(
            transport=transport, timeout=TIMEOUT, limits=LIMITS
        )
        self._fetcher = Fetcher(self._http, deadline)
        self._provider = Provider(
            issuer=relying_party.issuer, fetcher=self._fetcher, clock=clock
        )

    async def __aenter__(self) -> Self:
        """Use the client in a block that closes it."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def metadata(self) -> ProviderMetadata:
        """Return what the provider says about itself."""
        return await self._provider.metadata()

    async def start_login(
        self,
        *,
        level: str | None = None,
        max_age: int | None = None,
        prompt: str | None = None,
        ui_locales: Sequence[str] = (),
        return_to: str = "/",
    ) -> StartedLogin:
        """Begin a login: authorization code flow with PKCE S256, state and nonce.

        `level` is the least assurance that will do: low, substantial or high;
        `max_age` is in seconds; `ui_locales` in order of preference.

        Raises:
            Misconfigured: an unknown level.
            ProviderUnavailable, UnexpectedAnswer: discovery failed.

        """
        if level is not None and level not in LEVELS:
            raise Misconfigured(f"no such assurance level: {level}")
        party = self.relying_party
        transaction = LoginTransaction(
            issuer=party.issuer,
            redirect_uri=party.redirect_uri,
            started_at=self._clock(),
            acr=None if level is None else party.acr(level),
            max_age=max_age,
            return_to=return_to,
        )
        asked = {
            "response_type": "code",
            "client_id": party.client_id,
            "redirect_uri": party.redirect_uri,
            "scope": " ".join(party.scopes),
            "state": transaction.state,
            "nonce": transaction.nonce,
            "code_challenge": transaction.code_challenge,
            "code_challenge_method": "S256",
            "acr_values": transaction.acr,
            "max_age": None if max_age is None else str(max_age),
            "prompt": prompt,
            "ui_locales": " ".join(ui_locales) or None,
        }
        metadata = await self.metadata()
        return StartedLogin(
            _with_query(metadata.authorization_endpoint, asked), transaction
        )

    async def finish_login(
        self, transaction: LoginTransaction, unverified_callback: str
    ) -> Tokens:
        """Finish a login with the address the browser came back to.

        The transaction is spent first, whatever the outcome: a login is finished
        at most once.

        Raises:
            CallbackRefused: the callback is not the answer to this login.
            TokenRefused: the provider does not accept the code.
            TokenInvalid: the ID token is not to be believed.
            ProviderUnavailable, UnexpectedAnswer: no usable answer.

        """
        answer = read_callback(unverified_callback)
        if not compare_digest(
            answer.get("state", "").encode(), transaction.state.encode()
        ):
            raise StateMismatch("the callback belongs to another login")
        await self._spend(transaction)
        await self._check_response_issuer(transaction, answer)
        if "error" in answer:
            raise LoginDenied(answer["error"], answer.get("error_description", ""))
        if not answer.get("code"):
            raise CallbackMalformed("the callback carries no code")
        return await self._redeem(transaction, answer["code"])

    async def refresh(self, refresh_token: str, *, previous: VerifiedIdToken) -> Tokens:
        """Get fresh tokens; the old refresh token must not be used again.

        Raises:
            TokenRefused: the grant has ended; the person must log in again.
            TokenInvalid: a new ID token does not continue the same login.

        """
        if not refresh_token:
            raise TokenRefused("invalid_grant", "there is no refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        body = await self._ask_token_endpoint(form)
        access_token = _required_text(body, "access_token")
        id_token = previous
        if "id_token" in body:
            expected = Expected(acr=previous.acr, access_token=access_token)
            id_token = await self._verify(body, expected)
            check_refreshed(id_token, previous=previous)
        return self._tokens(body, id_token=id_token, refresh_token=refresh_token)

    async def userinfo(self, access_token: str, *, subject: str) -> UserInfo:
        """Ask for the claims about `subject`, the one of the ID token.

        Raises:
            SubjectMismatch: the answer is about someone else (OIDC Core, 5.3.2).
            TokenRefused: the access token is not accepted.

        """
        endpoint = (await self.metadata()).userinfo_endpoint
        if endpoint is None:
            raise UnexpectedAnswer("the provider has no userinfo endpoint")
        headers = {"Authorization": f"Bearer {access_token}"}
        answer = await self._fetcher.fetch(endpoint, headers=headers)
        if answer.status in {401, 403}:
            raise TokenRefused("invalid_token")
        if answer.status != httpx2.codes.OK:
            raise UnexpectedAnswer(f"userinfo answered {answer.status}")
        claims = answer.json_object()
        if claims.get("sub") != subject:
            raise SubjectMismatch("the userinfo answer is about someone else")
        return UserInfo(subject, MappingProxyType(claims))

    async def revoke(self, refresh_token: str) -> None:
        """End the grant of a refresh token where the provider can (RFC 7009)."""
        endpoint = (await self.metadata()).revocation_endpoint
        if endpoint is None:
            return
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        answer = await self._post(endpoint, form)
        if answer.status != httpx2.codes.OK:
            raise _refusal(answer)

    async def logout_url(
        self, id_token: VerifiedIdToken | None, *, state: str | None = None
    ) -> str | None:
        """Return where to send the browser to log out at the provider too.

        None when the provider has no such page (RP-Initiated Logout 1.0, 2).
        """
        endpoint = (await self.metadata()).end_session_endpoint
        if endpoint is None:
            return None
        asked = {
            "client_id": self.relying_party.client_id,
            "id_token_hint": None if id_token is None else id_token.raw,
            "post_logout_redirect_uri": self.relying_party.post_logout_redirect_uri,
            "state": state,
        }
        return _with_query(endpoint, asked)

    async def _spend(self, transaction: LoginTransaction) -> None:
        now = self._clock()
        until = transaction.started_at + LIFETIME_SECONDS
        if not await self._spent.spend(transaction.state, until=until):
            raise TransactionSpent("this login was finished before")
        if transaction.has_expired(now):
            raise TransactionExpired("the login was started too long ago")
        party = self.relying_party
        if (transaction.issuer, transaction.redirect_uri) != (
            party.issuer,
            party.redirect_uri,
        ):
            raise StateMismatch("the login was started with another provider")

    async def _check_response_issuer(
        self, transaction: LoginTransaction, answer: Mapping[str, str]
    ) -> None:
        required = (await self.metadata()).names_issuer_in_response
        found = answer.get("iss")
        if found is None and not required:
            return
        if found != transaction.issuer:
            raise ResponseIssuerMismatch("another provider answered")

    async def _redeem(self, transaction: LoginTransaction, code: str) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": transaction.redirect_uri,
            "code_verifier": transaction.code_verifier,
        }
        body = await self._ask_token_endpoint(form)
        expected = Expected(
            nonce=transaction.nonce,
            max_age=transaction.max_age,
            acr=transaction.acr,
            code=code,
            access_token=_required_text(body, "access_token"),
        )
        id_token = await self._verify(body, expected)
        return self._tokens(body, id_token=id_token, refresh_token=None)

    async def _verify(
        self, body: dict[str, object], expected: Expected
    ) -> VerifiedIdToken:
        unverified_token = _required_text(body, "id_token")
        algorithms = self.relying_party.id_token_algorithms
        header = read_header(unverified_token, algorithms=algorithms)
        return verify_id_token(
            unverified_token,
            key=await self._provider.key(header.key_id),
            relying_party=self.relying_party,
            expected=expected,
            now=self._clock(),
        )

    async def _ask_token_endpoint(self, form: dict[str, str]) -> dict[str, object]:
        answer = await self._post((await self.metadata()).token_endpoint, form)
        if answer.status != httpx2.codes.OK:
            raise _refusal(answer)
        body = answer.json_object()
        if _required_text(body, "token_type").lower() != "bearer":
            raise UnexpectedAnswer("the access token is not a bearer token")
        return body

    async def _post(self, url: str, form: dict[str, str]) -> Answer:
        party = self.relying_party
        credentials = party.authentication.credentials(
            client_id=party.client_id, issuer=party.issuer, now=self._clock()
        )
        return await self._fetcher.fetch(
            url, headers=credentials.headers, form={**form, **credentials.form}
        )

    def _tokens(
        self,
        body: dict[str, object],
        *,
        id_token: VerifiedIdToken,
        refresh_token: str | None,
    ) -> Tokens:
        lifetime = body.get("expires_in")
        known = isinstance(lifetime, int) and not isinstance(lifetime, bool)
        scope = body.get("scope", " ".join(self.relying_party.scopes))
        if "refresh_token" in body:
            refresh_token = _required_text(body, "refresh_token")
        return Tokens(
            id_token=id_token,
            access_token=_required_text(body, "access_token"),
            refresh_token=refresh_token,
            expires_at=self._clock() + float(str(lifetime)) if known else None,
            scopes=tuple(str(scope).split()),
        )


def read_callback(unverified_callback: str) -> dict[str, str]:
    """Return the fields of a callback address, each of which may appear once.

    Raises:
        CallbackMalformed: too long, or a field is repeated (RFC 6749, 3.1).

    """
    if len(unverified_callback) > MAX_CALLBACK_CHARACTERS:
        raise CallbackMalformed("the callback is too long")
    try:
        query = urlsplit(unverified_callback).query
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=32)
    except ValueError as error:
        raise CallbackMalformed("the callback cannot be read") from error
    answer = dict(pairs)
    if len(answer) != len(pairs):
        raise CallbackMalformed("a field of the callback is repeated")
    return answer


def _with_query(url: str, asked: Mapping[str, str | None]) -> str:
    parts = urlsplit(url)
    given = urlencode({name: value for name, value in asked.items() if value})
    query = f"{parts.query}&{given}" if parts.query else given
    return urlunsplit(parts._replace(query=query))


def _required_text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UnexpectedAnswer(f"the answer lacks {name}")
    return value


def _refusal(answer: Answer) -> TokenRefused:
    body = answer.json_object()
    description = body.get("error_description")
    return TokenRefused(
        _required_text(body, "error"),
        description if isinstance(description, str) else "",
    )
