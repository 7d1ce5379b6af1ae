"""TLS for Daphne without a proxy: checks certificate and key before anything listens."""

from __future__ import annotations

import re
import ssl
import tempfile
from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s*", re.DOTALL)


class TlsFilesInvalid(Exception):
    """str() is a sentence for the operator."""


def check_tls_files(certificate: Path, key: Path) -> None:
    """Raises TlsFilesInvalid unless both files exist, belong together and need no password."""
    for path in (certificate, key):
        if not path.is_file():
            raise TlsFilesInvalid(f"There is no file {path}.")
    try:
        # An encrypted key would ask for a password on the terminal; an empty one makes that an error.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise TlsFilesInvalid(f"{certificate} and {key} are no usable certificate and key: {reason}.") from error


def tls_endpoint(host: str, port: int, certificate: Path, key: Path) -> str:
    """Twisted's description of the endpoint to listen on. Writes the rest of the chain to a temporary file."""
    parts = ["ssl", str(port), f"interface={_escape(host)}"]
    parts += [f"certKey={_escape(str(certificate))}", f"privateKey={_escape(str(key))}"]
    chain = "".join(_PEM.findall(certificate.read_text())[1:])
    if chain:
        # Twisted wants the certificates of the authorities in a file of their own; fullchain.pem has them all in one.
        with tempfile.NamedTemporaryFile("w", suffix=".pem", prefix="facesite-chain-", delete=False) as stream:
            stream.write(chain)
        parts.append(f"extraCertChain={_escape(stream.name)}")
    return ":".join(parts)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")
