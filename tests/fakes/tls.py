"""A certificate for an invented host, the server that shows it and the client that trusts it and nothing else."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TLS:
    """names: what clients asked for (SNI), in order."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    names: list[str | None]


def made_certificate(host: str) -> TLS:
    """A self-signed certificate, made by the openssl command."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder) / "key.pem", Path(folder) / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        named = ["-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
        subprocess.run(
            [*command, *named, "-keyout", str(key), "-out", str(certificate)],
            check=True,
            capture_output=True,
            timeout=60,
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        client = ssl.create_default_context(cafile=str(certificate))
    names: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    return TLS(server, client, names)
