"""Private PostgreSQL and Redis servers for tests, root or not, without TCP ports."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _postgres_programs() -> Path:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name)
    )
    assert found, "PostgreSQL is not installed: make install"
    return found[-1]


def _as_postgres() -> list[str]:
    return ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[Path]:
    """Run a PostgreSQL server; yield the folder of its socket."""
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="camdigikey-pg.", dir="/tmp"))
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, log = folder / "data", folder / "log"
    start = [*_as_postgres(), str(programs / "pg_ctl"), "-D", str(data)]

    def call(*command: str) -> None:
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    call(
        *_as_postgres(),
        str(programs / "initdb"),
        *("-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8"),
        *("--locale=C.UTF-8", "--no-sync", "-N"),
    )
    durable = "on" if fsync else "off"
    options = f"-c listen_addresses= -k {folder} -c fsync={durable}"
    call(*start, "-w", "-l", str(log), "-o", options, "start")
    try:
        yield folder
    finally:
        call(*start, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def create_database(folder: Path, name: str) -> str:
    """Create a database on the private server; return its address."""
    statement = f'CREATE DATABASE "{name}"'
    psql = str(_postgres_programs() / "psql")
    command = [psql, "-h", str(folder), "-U", "postgres", "-qc", statement]
    subprocess.run(command, check=True)
    return f"postgresql://postgres@/{name}?host={folder}"


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis server on a socket; yield its address."""
    folder = Path(tempfile.mkdtemp(prefix="camdigikey-redis.", dir="/tmp"))
    with redis_on(folder / "socket") as url:
        yield url
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_on(socket: Path) -> Iterator[str]:
    """Run a Redis server on this socket."""
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket)]
    command += ["--save", "", "--appendonly", "no", "--dir", str(socket.parent)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                if socket.exists():
                    break
                time.sleep(0.02)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)
