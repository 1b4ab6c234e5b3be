import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from camdigikey.phone.keys import pin_scalar
from idp.domain.jws import BadSignature, public_key
from idp.storage.columns import b64encode


def test_the_derivation_gives_the_published_vector() -> None:
    scalar = pin_scalar(
        secret=bytes(range(32)),
        salt=bytes.fromhex(
            "80612ba164930bea4d46f33a2db57326a87834f0997bea76b019622ee9d4692f"
        ),
        pin="493027",
    )
    assert f"{scalar:064x}" == (
        "817a31938d9730b959f60aed1553889368a878f60c35c962734ccf519b30c82f"
    )
    public = derive_private_key(scalar, SECP256R1()).public_key().public_numbers()
    assert f"{public.x:064x}" == (
        "8b1c0a35eba3530aa388cd6e70b5161af60b32ab037ded3093c8e54bb50c7825"
    )


def test_a_phones_key_is_a_bare_public_key_of_p256() -> None:
    public = derive_private_key(7, SECP256R1()).public_key().public_numbers()
    x, y = (b64encode(one.to_bytes(32)) for one in (public.x, public.y))
    bare = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    assert public_key(bare).public_numbers() == public
    for wrong in (
        {**bare, "d": x},
        {**bare, "kid": "other"},
        {"kty": "EC", "crv": "P-256", "x": x},
        {**bare, "kty": "OKP"},
        {**bare, "crv": "P-384"},
        {**bare, "y": x},
    ):
        with pytest.raises(BadSignature):
            public_key(wrong)
