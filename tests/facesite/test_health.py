from __future__ import annotations

import gc
import threading

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from enrollment.runtime import gallery
from enrollment.runtime.gallery import current_gallery
from facesite import warmup as warmup_module
from facesite.warmup import is_warm, warmup
from security.encryption.site_keys import current_site_key


@pytest.fixture(autouse=True)
def no_warm_up_behind_the_back(monkeypatch):
    """/readyz starts one in a thread of its own; here only the tests do."""
    monkeypatch.setattr(warmup, "start", lambda: None)


@pytest.fixture
def cold(no_engine, monkeypatch):
    """A process that has just started."""
    monkeypatch.setattr(gallery.shared, "_latest", None)
    warmup.reset()


@pytest.fixture(autouse=True)
def collector():
    """A process that is warm tells Python's garbage collector so; the tests' own takes it back."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def warm_up_in_a_thread() -> None:
    """It closes its thread's database connections, so never in the test's own."""
    thread = threading.Thread(target=warmup.run)
    thread.start()
    thread.join()


class TestHealthz:
    def test_answers_without_login_and_without_the_database(self):
        answer = Client().get("/healthz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
class TestReadyz:
    def test_is_503_until_the_engine_is_warm(self, cold):
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "checks": {"engine": False, "database": True, "site_key": True, "gallery": False},
            "message": "The engine is starting.",
        }

    def test_is_503_until_the_gallery_is_loaded(self, engine, monkeypatch):
        monkeypatch.setattr(gallery.shared, "_latest", None)
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"engine": True, "database": True, "site_key": True, "gallery": False}

    def test_is_200_when_all_is_there_and_reads_one_row(self, engine):
        current_gallery(engine)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        ping, state = [query["sql"] for query in queries]
        assert ping == "SELECT 1"
        assert "security_encryptionstate" in state

    @pytest.mark.parametrize(("fallback", "status", "says"), [(False, 503, "does not answer"), (True, 200, "Degraded")])
    def test_needs_the_gallerys_engine_unless_this_process_may_search_by_itself(
        self, engine, settings, monkeypatch, fallback, status, says
    ):
        current_gallery(engine)
        monkeypatch.setattr("enrollment.milvus.client.SEARCH_S", 0.3)
        settings.GALLERY_URL, settings.GALLERY_FALLBACK = "milvus://127.0.0.1:9/faces", fallback
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["gallery_engine"]) == (status, False)
        assert says in answer.json()["message"]

    def test_is_503_when_the_gallery_is_another_packs(self, engine, monkeypatch):
        monkeypatch.setattr(gallery.shared, "_latest", gallery.gallery_for("another-contract", 64))
        assert Client().get("/readyz").status_code == 503

    def test_is_503_and_says_why_when_the_site_key_is_gone(self, engine, settings, tmp_path):
        current_site_key()
        current_gallery(engine)
        settings.FACESITE_DATA_KEY, settings.FACESITE_DATA_KEY_FILE = "", tmp_path / "gone"
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["checks"]["site_key"]) == (503, False)
        assert answer.json()["message"].startswith("The site key is missing")

    def test_names_the_command_when_no_pack_is_installed(self, cold, settings, tmp_path, caplog):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "mobile"
        warm_up_in_a_thread()
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert "manage.py packs install mobile" in answer.json()["message"]

    def test_says_so_when_the_database_does_not_answer(self, engine, monkeypatch):
        monkeypatch.setattr("facesite.health.database_answers", lambda: False)
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["message"] == "The database does not answer."

    def test_is_never_cached(self, engine):
        assert "no-store" in Client().get("/readyz").headers["Cache-Control"]


@pytest.mark.django_db(transaction=True)
class TestWarmUp:
    def test_starts_the_engine_and_loads_the_gallery(self, cold, models_dir):
        assert not is_warm()
        warm_up_in_a_thread()
        assert is_warm()
        assert warmup.problem == ""

    def test_spares_the_garbage_collector_what_lasts(self, cold, models_dir):
        warm_up_in_a_thread()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] == warmup_module.OBJECTS

    def test_tells_of_what_nobody_foresaw(self, cold, models_dir, monkeypatch, caplog):
        monkeypatch.setattr(warmup_module, "current_gallery", lambda engine: 1 / 0)
        warm_up_in_a_thread()
        assert warmup.problem == "The engine could not be started. The server's log says why."
        assert "ZeroDivisionError" in caplog.text
