"""Settings of the mobile API: frozen, from `MOBILE_*`."""

import os
from datetime import timedelta
from typing import Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "MOBILE_"


class MobileSettings(BaseSettings):
    """What an operator may set. Unknown `MOBILE_*` names are refused."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    mrz_reader: str = "mobile_api.engines.mrz_fixed_pitch:create"
    face_matcher: str = "mobile_api.engines.face_sface:create"
    second_face_matcher: str = "mobile_api.engines.face_dlib:create"
    landmarks: str = "mobile_api.engines.landmarks_mediapipe:create"
    passive_check: str = ""
    passive_model: str = ""
    passive_model_hash: str = ""
    image_workers: int = Field(default=2, ge=1)
    image_waiting: int = Field(default=8, ge=0)
    policy_file: str = ""
    register_patience: timedelta = timedelta(seconds=4)
    register_least_score: float = Field(default=0.8, ge=0, le=1)


def load_settings() -> MobileSettings:
    """Read the environment once; raises ValueError for unknown `MOBILE_*` names."""
    known = {PREFIX + name.upper() for name in MobileSettings.model_fields}
    names = {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}  # noqa: TID251 - this is the one reader
    if names - known:
        raise ValueError(f"unknown settings: {', '.join(sorted(names - known))}")
    return MobileSettings()
