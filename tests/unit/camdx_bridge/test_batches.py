"""Batches: one time-stamp for many signatures, one chain for each of them."""

import hashlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camdx_bridge import DocumentInvalid, Refusal
from camdx_bridge.documents import Verdict
from camdx_bridge.documents.container_writing import write_container
from camdx_bridge.documents.containers import (
    MESSAGE,
    SIGNATURES,
    TIMESTAMP,
    TS_CHAIN,
    TS_RESULT,
)
from camdx_bridge.documents.hash_chain import verify_hash_chain
from camdx_bridge.documents.hash_chain_writing import HashChains, build_hash_chains
from camdx_bridge.documents.signing import sign_message
from camdx_bridge.formats.zip_files import read_zip
from tests.xroad import NOW, REQUEST, bank, changed, judged, lab


def sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


def follow(
    chains: HashChains, number: int, files: dict[str, bytes], required: set[str]
) -> frozenset[str]:
    all_files = {"chain.xml": chains.chains[number], **files}
    return verify_hash_chain(
        chains.result, resolve=all_files.get, required=required
    ).verified


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["message.xml", "attachment1", "attachment2"]),
            st.binary(max_size=5),
            min_size=1,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_input_of_a_batch_has_a_chain_to_the_one_result(
    inputs: list[dict[str, bytes]],
) -> None:
    digests = [{n: sha512(data) for n, data in one.items()} for one in inputs]
    chains = build_hash_chains(digests, chain_name="chain.xml")
    for number, files in enumerate(inputs):
        assert follow(chains, number, files, set(files)) == set(files)
        for name in files:
            with pytest.raises(DocumentInvalid):
                follow(chains, number, {**files, name: b"another"}, set(files))


def batch(size: int) -> list[bytes]:
    """Containers of a batch, stamped together half a minute after they were signed."""
    messages = [REQUEST.replace(b"-1", f"-{n}".encode()) for n in range(size)]
    own = lab().credentials(bank().holder, at=NOW)
    signatures = [
        sign_message(
            {MESSAGE: sha512(one)}, key=bank().holder, credentials=own, now=NOW
        ).signatures
        for one in messages
    ]
    digests = [{SIGNATURES: sha512(one)} for one in signatures]
    chains = build_hash_chains(digests, chain_name=TS_CHAIN)
    token = lab().tsa.stamp(chains.result, at=NOW + timedelta(seconds=30))
    return [
        write_container(
            message=message,
            signatures=signature,
            signed_files={},
            attachments={},
            batch=(chains.result, chain, token),
        )
        for message, signature, chain in zip(
            messages, signatures, chains.chains, strict=True
        )
    ]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_containers_of_a_batch_are_valid(size: int) -> None:
    for data in batch(size):
        found = judged(data)
        assert found.verdict is Verdict.VALID, found
        assert found.verified
        assert found.verified.stamped_at == NOW + timedelta(seconds=30)


def test_a_stamp_of_another_batch_proves_nothing() -> None:
    one, other = batch(2)[0], read_zip(batch(3)[0])
    names = (TS_CHAIN, TS_RESULT, TIMESTAMP)
    put = {name.replace("/", "__").replace(".", "_"): other[name] for name in names}
    # RSA is deterministic: the first signatures of both batches are the same bytes.
    assert judged(changed(one, **put)).verdict is Verdict.VALID
    two = batch(2)[1]
    assert judged(changed(two, **put)).code is Refusal.HASH_CHAIN_REFERENCE
    del put["META-INF__timestamp_tst"]
    assert judged(changed(one, **put)).code is Refusal.TIMESTAMP_MISMATCH


def test_a_batch_without_its_token_is_refused() -> None:
    gone = changed(batch(2)[0], **{"META-INF__timestamp_tst": None})
    assert judged(gone).code is Refusal.TIMESTAMP_MISSING
