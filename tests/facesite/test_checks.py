from __future__ import annotations

from django.core.checks import run_checks


def ids() -> set[str]:
    found = {message.id or "" for message in run_checks(include_deployment_checks=True)}
    return {name for name in found if name.startswith("facesite.")}


class TestDeployment:
    def test_liveness_that_is_off_is_warned_about(self, settings):
        settings.FACESITE_LIVENESS = "off"
        assert "facesite.W001" in ids()

    def test_another_host_without_https_is_warned_about(self, settings):
        settings.ALLOWED_HOSTS = ["faces.example.org", "localhost"]
        assert "facesite.W002" in ids()

    def test_localhost_needs_no_https(self, settings):
        settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
        assert ids() == set()

    def test_a_site_behind_a_proxy_is_fine(self, settings):
        settings.ALLOWED_HOSTS = ["faces.example.org"]
        settings.FACESITE_HTTPS = "proxy"
        assert ids() == set()
