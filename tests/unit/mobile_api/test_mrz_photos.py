"""The default reader on 60 photos by phone: any angle, any light, four formats.

`make proofing-report` measures more, on seeds that nobody tuned with. These are a
guard: a wrong field is never accepted, and most are read from one picture.
"""

from datetime import date

import pytest

from mobile_api.engines import mrz_fixed_pitch, worker
from mobile_api.images import open_picture
from tests.specimens.documents import invent_document
from tests.specimens.phone_photo import photograph

TODAY = date(2026, 11, 23)
SEEDS = range(2_000, 2_060)
LEAST = 50


def test_sixty_photos_by_phone_are_read_and_none_is_read_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in worker.ONE_THREAD:
        monkeypatch.setenv(name, "1")
    reader = mrz_fixed_pitch.create(environment="production")
    right = 0
    for seed in SEEDS:
        document = invent_document(seed)
        photo = open_picture(photograph(document.image, seed))
        mrz = reader.read(photo, today=TODAY).mrz
        if mrz is None:
            continue
        found = (mrz.number, mrz.birth_date.exact, mrz.expiry_date)
        assert found == document.key, seed
        right += 1
    assert right >= LEAST


def test_the_same_seed_gives_the_same_document_and_photo() -> None:
    first, again = invent_document(2_001), invent_document(2_001)
    assert first.lines == again.lines != invent_document(2_002).lines
    assert photograph(first.image, 5) == photograph(again.image, 5)
    assert photograph(first.image, 5) != photograph(first.image, 6)
