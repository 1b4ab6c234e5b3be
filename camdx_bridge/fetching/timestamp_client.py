"""Time-stamps from the approved authorities, in turn until one gives one (RFC 3161)."""

import hashlib
import secrets
from dataclasses import dataclass

from asn1crypto import tsp

from camdx_bridge.errors import BridgeError, SourceFailed, refused
from camdx_bridge.fetching.http import Fetcher
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.shared_params import SharedParameters
from camdx_bridge.trust.timestamps import TimeStamp, verify_timestamp

QUERY_TYPE = "application/timestamp-query"
_NONCE_BITS = 64
_OK = 200
_GRANTED = frozenset({"granted", "granted_with_mods"})


@dataclass(frozen=True, slots=True)
class Stamped:
    """A token that was verified as whoever reads the log later will."""

    token: bytes
    stamp: TimeStamp


class TimestampClient:
    """Asks the authorities of the configuration in its order."""

    def __init__(self, *, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def stamp(self, data: bytes, *, trust: SharedParameters) -> Stamped:
        """Return a verified token over the data; BridgeError when nobody gave one."""
        trouble: BridgeError = SourceFailed("no time-stamping authority is known")
        for authority in trust.timestampers:
            try:
                return await self._ask(authority.url, data, trust)
            except BridgeError as error:
                trouble = error
        raise trouble

    async def _ask(self, url: str, data: bytes, trust: SharedParameters) -> Stamped:
        nonce = secrets.randbits(_NONCE_BITS)
        answered = await self._fetcher.fetch(
            url, body=_query(data, nonce), content_type=QUERY_TYPE
        )
        if answered.status != _OK:
            raise SourceFailed(f"status {answered.status}")
        token = _token(answered.body)
        stamp = verify_timestamp(token, stamped=data, trust=trust)
        # An old answer to an old question would carry an old time.
        if stamp.nonce != nonce:
            raise refused(Refusal.TIMESTAMP_MISMATCH, "nonce")
        return Stamped(token, stamp)


def _query(data: bytes, nonce: int) -> bytes:
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha512"},
                "hashed_message": hashlib.sha512(data).digest(),
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    written: bytes = request.dump()
    return written


def _token(body: bytes) -> bytes:
    try:
        response = tsp.TimeStampResp.load(body, strict=True)
        status = response["status"]["status"].native
        token: bytes = response["time_stamp_token"].dump()
    except Exception:  # noqa: BLE001 - asn1crypto reads lazily and raises anything
        raise refused(Refusal.TIMESTAMP_MALFORMED) from None
    if status not in _GRANTED:
        raise SourceFailed(f"not granted: {status}")
    return token
