import pytest
from pydantic import ValidationError

from idp.settings import IdpSettings, load_settings

GOOD = {"issuer": "https://id.example", "app_origin": "https://app.example"}


def test_production_is_the_default_and_speaks_https_only() -> None:
    assert IdpSettings(**GOOD).environment == "production"  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="https only"):
        IdpSettings(issuer="http://id.example", app_origin="https://app.example")


def test_the_app_needs_an_origin_of_its_own() -> None:
    with pytest.raises(ValidationError, match="different origins"):
        IdpSettings(issuer="https://id.example", app_origin="https://id.example")


@pytest.mark.parametrize("bad", ["id.example", "https://id.example/", "ftp://x", ""])
def test_an_issuer_is_an_origin_without_a_path(bad: str) -> None:
    with pytest.raises(ValidationError):
        IdpSettings(issuer=bad, app_origin="https://app.example")


def test_a_mistyped_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_ISSUER", GOOD["issuer"])
    monkeypatch.setenv("IDP_APP_ORIGIN", GOOD["app_origin"])
    assert load_settings().issuer == GOOD["issuer"]
    monkeypatch.setenv("IDP_ISUER", "https://typo.example")
    with pytest.raises(ValueError, match="IDP_ISUER"):
        load_settings()


def test_settings_never_show_a_secret() -> None:
    settings = IdpSettings(**GOOD, master_key="tell-nobody")  # type: ignore[arg-type]
    assert "tell-nobody" not in repr(settings)
