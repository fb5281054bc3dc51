"""nginx as deploy/nginx/kdrinks.conf sets it up, on free ports of loopback and with a certificate of its own."""

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kdrinks.config import ROOT
from tests.support.running_app import PATIENCE_S, free_port
from tests.support.wait import eventually

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
SETTINGS = ROOT / "deploy" / "nginx" / "kdrinks.conf"
NAME = "drinks.example.org"

needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx here (Debian: apt install nginx-light)")

_MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/none1; uwsgi_temp_path {folder}/none2; scgi_temp_path {folder}/none3;
    include {folder}/kdrinks.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Front:
    """nginx in front of something."""

    tls_port: int
    plain_port: int
    trust: ssl.SSLContext
    """Trusts its certificate, for its name."""


@contextmanager
def nginx_before(port: int, folder: Path) -> Iterator[Front]:
    """port: of the app on loopback."""
    front = Front(free_port(), free_port(), ssl.create_default_context())
    certificate, key = _certificate(folder)
    front.trust.load_verify_locations(certificate)
    text = SETTINGS.read_text(encoding="utf-8")
    for written, here in (
        (r"listen 443 ", f"listen 127.0.0.1:{front.tls_port} "),
        (r"listen 80([ ;])", rf"listen 127.0.0.1:{front.plain_port}\1"),
        (r"server 127\.0\.0\.1:8501;", f"server 127.0.0.1:{port};"),
        (r"/etc/nginx/tls/fullchain\.pem", str(certificate)),
        (r"/etc/nginx/tls/privkey\.pem", str(key)),
    ):
        text, count = re.subn(written, here, text)
        assert count, written
    (folder / "kdrinks.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder), encoding="utf-8")
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert checked.returncode == 0 and "[warn]" not in checked.stderr, checked.stderr
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: _listens(front.tls_port), PATIENCE_S)
        yield front
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _certificate(folder: Path) -> tuple[Path, Path]:
    """For NAME, signed by itself, good for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "fullchain.pem", folder / "privkey.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
