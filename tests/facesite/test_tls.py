"""A certificate for Daphne itself: checked before anything listens, then used."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.request import HTTPSHandler, build_opener

import pytest

from facesite.tls import TlsFilesInvalid, check_tls_files, tls_endpoint
from tests.support.certificates import make_certificate
from tests.support.server import LiveServer
from tests.support.sockets import PATIENCE_S


class TestCheckTlsFiles:
    def test_takes_a_certificate_with_its_key(self, tmp_path):
        check_tls_files(*make_certificate(tmp_path, "a"))

    def test_refuses_the_key_of_another_certificate(self, tmp_path):
        certificate, _ = make_certificate(tmp_path, "a")
        _, key = make_certificate(tmp_path, "b")
        with pytest.raises(TlsFilesInvalid, match="are no usable certificate and key"):
            check_tls_files(certificate, key)

    def test_refuses_a_key_with_a_password_instead_of_asking_for_it(self, tmp_path):
        with pytest.raises(TlsFilesInvalid, match="are no usable certificate and key"):
            check_tls_files(*make_certificate(tmp_path, "a", password=b"secret"))

    def test_refuses_files_that_are_neither(self, tmp_path):
        (tmp_path / "x").write_text("neither")
        with pytest.raises(TlsFilesInvalid, match="are no usable certificate and key"):
            check_tls_files(tmp_path / "x", tmp_path / "x")


class TestTlsEndpoint:
    def test_gives_twisted_the_chain_in_a_file_of_its_own(self, tmp_path):
        certificate, key = make_certificate(tmp_path, "a")
        other = make_certificate(tmp_path, "b")[0].read_text()
        certificate.write_text(certificate.read_text() + other)
        description = tls_endpoint("::1", 8443, certificate, key)
        assert description.startswith(r"ssl:8443:interface=\:\:1:")
        chain = Path(description.rpartition("extraCertChain=")[2])
        assert chain.read_text() == other
        chain.unlink()


class TestServing:
    def test_over_https_with_cookies_that_never_travel_without(self, live_server_process: LiveServer, tmp_path):
        certificate, key = make_certificate(tmp_path, "a")
        server = LiveServer(tmp_path, live_server_process.environment)
        server.start("--tls-cert", str(certificate), "--tls-key", str(key))
        try:
            opener = build_opener(HTTPSHandler(context=ssl.create_default_context(cafile=certificate)))
            server.url = f"https://localhost:{server.port}"
            server.wait_until_ready(opener)
            with opener.open(f"{server.url}/accounts/login/", timeout=PATIENCE_S) as response:
                assert response.status == 200
                assert "; Secure" in response.headers["Set-Cookie"]
        finally:
            assert server.stop() == 0
