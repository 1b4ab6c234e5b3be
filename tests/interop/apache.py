"""A real Apache with mod_auth_openidc, as an ordinary process in the foreground."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULES = Path("/usr/lib/apache2/modules")
START_SECONDS = 30
CONFIGURATION = """
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ServerName localhost
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
StartServers 1
DocumentRoot {folder}/pages
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
Include {folder}/client-secret.conf
OIDCRedirectURI http://localhost:{port}/private/back
OIDCRedirectURLsAllowed ^http://localhost:{port}/
OIDCCryptoPassphrase "exec:/bin/cat {folder}/passphrase"
OIDCScope "openid profile offline_access"
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg ES256
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCInfoHook iat access_token id_token userinfo refresh_token session
OIDCRemoteUserClaim sub
<Location /private>
  AuthType openid-connect
  Require valid-user
</Location>
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def apache(*, port: int, issuer: str, client_id: str, secret: str) -> Iterator[str]:
    """Run Apache on `port` until the block ends; yields its address."""
    folder = Path(tempfile.mkdtemp(prefix="camdigikey-apache."))
    folder.chmod(0o755)
    (folder / "pages" / "private").mkdir(parents=True)
    (folder / "pages" / "private" / "index.html").write_text("only for you")
    (folder / "client-secret.conf").write_text(f"OIDCClientSecret {secret}\n")
    (folder / "passphrase").write_text("only for this test")
    is_root = os.geteuid() == 0
    settings = CONFIGURATION.format(
        folder=folder,
        port=port,
        issuer=issuer,
        client_id=client_id,
        modules=MODULES,
        user="User www-data\nGroup www-data" if is_root else "",
    )
    (folder / "apache.conf").write_text(settings)
    command = ["apache2", "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until_open(port, process)
            yield f"http://localhost:{port}"
        except AssertionError as error:
            log = folder / "error.log"
            error.add_note(log.read_text() if log.exists() else "no log")
            raise
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def wait_until_open(port: int, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("Apache does not listen")
