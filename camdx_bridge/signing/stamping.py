"""Time-stamps for signatures: in the signature when it is one, else one for a batch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from camdx_bridge.documents.containers import SIGNATURES, TS_CHAIN
from camdx_bridge.documents.hash_chain_writing import build_hash_chains
from camdx_bridge.documents.signatures import read_signature
from camdx_bridge.documents.signing import add_timestamp
from camdx_bridge.fetching.timestamp_client import TimestampClient
from camdx_bridge.trust.shared_params import SharedParameters


@dataclass(frozen=True, slots=True)
class StampedSignature:
    """A signature with its time. `batch` is (result, chain, token) beside it."""

    signatures: bytes
    at: datetime
    batch: tuple[bytes, bytes, bytes] | None = None


async def stamp_signatures(
    documents: Sequence[bytes], *, client: TimestampClient, trust: SharedParameters
) -> tuple[StampedSignature, ...]:
    """Return each signatures.xml stamped, by one question however many there are.

    BridgeError when no authority stamped; then none is stamped.
    """
    if not documents:
        return ()
    if len(documents) == 1:
        found = await client.stamp(read_signature(documents[0]).value, trust=trust)
        stamped = add_timestamp(documents[0], found.token)
        return (StampedSignature(stamped, found.stamp.at),)
    digests = [{SIGNATURES: hashlib.sha512(one).digest()} for one in documents]
    chains = build_hash_chains(digests, chain_name=TS_CHAIN)
    found = await client.stamp(chains.result, trust=trust)
    return tuple(
        StampedSignature(one, found.stamp.at, (chains.result, chain, found.token))
        for one, chain in zip(documents, chains.chains, strict=True)
    )
