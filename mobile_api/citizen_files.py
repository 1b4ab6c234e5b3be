"""The citizen app's files: read once, compressed once, answered from memory.

The app is one page: `/`, a scanned `/q/…` and a same-device `/s/…` all get it, so the
secret in such an address reaches no log of ours beyond the path of one request.
"""

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "citizen_app"
INDEX: Final = "index.html"
TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
KEPT_A_DAY: Final = frozenset({".woff2", ".png"})
COMPRESSED: Final = frozenset(TYPES) - KEPT_A_DAY


@dataclass(frozen=True, slots=True)
class CitizenFile:
    """One file, ready to be sent."""

    plain: bytes
    compressed: bytes | None
    etag: str
    media_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class CitizenFiles:
    """Every file of the app by its path."""

    files: dict[str, CitizenFile]

    async def page(self, request: Request) -> Response:
        """Answer the app's page."""
        return self._answer(request, INDEX)

    async def file(self, request: Request) -> Response:
        """Answer a file of the app, or 404."""
        return self._answer(request, str(request.path_params["path"]))

    def _answer(self, request: Request, path: str) -> Response:
        found = self.files.get(path)
        if found is None:
            raise HTTPException(404)
        headers = {
            "ETag": found.etag,
            "Cache-Control": found.cache_control,
            "Vary": "Accept-Encoding",
        }
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = found.plain
        if found.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = found.compressed, "gzip"
        return Response(body, headers=headers, media_type=found.media_type)


def load_citizen_files(folder: Path = FOLDER) -> CitizenFiles:
    """Read every file of the app; hidden ones are left out."""
    files = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    return CitizenFiles(files)


def _read(path: Path) -> CitizenFile:
    plain, kind = path.read_bytes(), path.suffix
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return CitizenFile(
        plain=plain,
        compressed=gzip.compress(plain, 9, mtime=0) if kind in COMPRESSED else None,
        etag=f'W/"{sha256(plain).hexdigest()[:24]}"',
        media_type=TYPES.get(kind, guessed),
        # Scripts are asked for again each time (a 304 mostly), so that one version
        # of the app never runs with parts of another.
        cache_control="public, max-age=86400" if kind in KEPT_A_DAY else "no-cache",
    )
