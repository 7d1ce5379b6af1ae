from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

from facesite.headers import add_headers


class TestHeaders:
    def test_every_page_says_what_it_may_load_and_who_may_use_the_camera(self, db):
        headers = Client().get("/accounts/login/").headers
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Permissions-Policy"].startswith("camera=(self)")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"

    def test_pages_stay_out_of_caches(self, db):
        assert "no-store" in Client().get("/accounts/login/").headers["Cache-Control"]

    def test_a_view_may_set_its_own(self):
        response = add_headers(HttpResponse(headers={"Content-Security-Policy": "default-src 'self'"}))
        assert response.headers["Content-Security-Policy"] == "default-src 'self'"

    @pytest.mark.parametrize(("debug", "shown"), [(True, False), (False, True)])
    def test_only_djangos_debug_pages_go_without_a_policy(self, settings, debug, shown):
        settings.DEBUG = debug
        assert ("Content-Security-Policy" in add_headers(HttpResponse(status=500)).headers) is shown
