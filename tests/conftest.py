"""Fixtures that every part shares: real faces, real weights, one started engine, logged-in operators.

What a machine lacks is skipped by name and counted at the end of the run; with CI=true a skip fails the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from security.roles.table import Role
from tests.support import skips
from tests.support.operators import make_client, make_operator

if TYPE_CHECKING:
    from recognizer.engine import FaceEngine
    from recognizer.packs.manifest import Pack
    from recognizer.types import Detection, Image

# In the order of their imports.
pytest_plugins = [
    f"tests.support.{name}" for name in ("lanes", "server", "browser", "mysql", "redis", "milvus", "openid")
]
# A busy machine is no failure, and the same examples run everywhere.
hypothesis_settings.register_profile(
    "facesite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("facesite")
ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared_faces() -> Path:
    """../shared/faces: eval/ (LFW), portraits/, webcam/ (clips)."""
    if not (SHARED / "faces").is_dir():
        skips.skip("faces", "no ../shared/faces")
    return SHARED / "faces"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """../shared/models: the weights of several packs, with PROVENANCE.md."""
    if not (SHARED / "models").is_dir():
        skips.skip("weights", "no ../shared/models")
    return SHARED / "models"


@pytest.fixture(scope="session", autouse=True)
def found_models_dir() -> Iterator[Path | str]:
    """A folder with an installed pack, with the settings pointed at it; else the reason why there is none.

    Before any test: a page that asks for the engine by itself would start another one for the whole process.
    """
    from tests.support.weights import NoWeights, find_weights

    before = django_settings.FACESITE_MODELS_DIR, django_settings.FACESITE_MODEL_PACK
    try:
        weights = find_weights()
    except NoWeights as error:
        found: Path | str = str(error)
    else:
        found = weights.models_dir
        django_settings.FACESITE_MODELS_DIR, django_settings.FACESITE_MODEL_PACK = found, weights.pack
    yield found
    django_settings.FACESITE_MODELS_DIR, django_settings.FACESITE_MODEL_PACK = before


@pytest.fixture(scope="session")
def models_dir(found_models_dir: Path | str) -> Path:
    """Real weights (FACESITE_MODELS_DIR points here for the rest of the session)."""
    if isinstance(found_models_dir, str):
        skips.skip("weights", found_models_dir)
    return found_models_dir


@pytest.fixture(scope="session")
def pack(models_dir: Path) -> Pack:
    """What the shared engine runs on: `mobile`, or `starter` where nothing else is at hand."""
    from recognizer.packs.manifest import Manifest

    return Manifest.load(models_dir).get(str(django_settings.FACESITE_MODEL_PACK))


@pytest.fixture(scope="session")
def engine(models_dir: Path) -> Iterator[FaceEngine]:
    """The one started FaceEngine on real weights, which enrollment.runtime.engine.get_engine() gives too.

    A test that wants the process without an engine, or with another one, uses `no_engine`; reset_engine() would close
    this one for everybody.
    """
    from enrollment.runtime import engine as runtime

    started = runtime.get_engine()
    assert started.config.models_dir == models_dir, "something started an engine before the settings named the weights"
    yield started
    runtime.shared._engine = started
    runtime.reset_engine()


@pytest.fixture
def looks(monkeypatch) -> list[tuple[int, ...]]:
    """The shape of every picture in which the detector of stills looks for faces from now on."""
    from recognizer.stages.stills import StillDetector

    shapes: list[tuple[int, ...]] = []
    detect = StillDetector.detect

    def counting(self: StillDetector, image: Image) -> list[Detection]:
        shapes.append(image.shape)
        return detect(self, image)

    monkeypatch.setattr(StillDetector, "detect", counting)
    return shapes


@pytest.fixture
def no_engine(monkeypatch) -> Iterator[None]:
    """A process that has not started its engine. What the test starts is closed; the shared engine comes back."""
    from enrollment.runtime import engine as runtime

    monkeypatch.setattr(runtime.shared, "_engine", None)
    yield
    runtime.reset_engine()


@pytest.fixture(autouse=True)
def unread_gallery() -> None:
    """No test searches the people, or goes by the settings, of the one before it: all is read again at once."""
    from enrollment.runtime.database import forget_threads
    from enrollment.runtime.gallery import mark_gallery_stale
    from security.remembering import forget_everything

    mark_gallery_stale()
    forget_everything()
    forget_threads()


@pytest.fixture(scope="session")
def two_packs_dir(shared_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the packs `mobile` and `edgeface-xs`; the latter is the stronger one."""
    from enrollment.packs.store import install_pack

    folder = tmp_path_factory.mktemp("two-packs")
    for name in ("mobile", "edgeface-xs"):
        install_pack(models_dir=folder, name=name, sources=(str(shared_models),))
    return folder


@pytest.fixture
def two_packs(two_packs_dir: Path, no_engine: None, settings) -> Mapping[str, Pack]:
    """A process that has not started its engine, with two packs to choose from and no pack named by a setting."""
    settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = two_packs_dir, None
    from recognizer.packs.manifest import Manifest

    return Manifest.load(two_packs_dir).packs


@pytest.fixture
def liveness_off(settings) -> None:
    """For tests that show still pictures to the product, as FACESITE_LIVENESS=off does for a site's trials."""
    settings.FACESITE_LIVENESS = "off"


def signed_in(operator: User) -> Client:
    """A browser that has been used before, so that its sign-in is noted already."""
    from security.sign_in.sessions import begin_sign_in

    client = Client()
    client.force_login(operator)
    key = str(client.session.session_key)
    begin_sign_in(session_key=key, operator=operator, address="127.0.0.1", user_agent="")
    return client


@pytest.fixture
def operator(db) -> User:
    """A manager: enrols, verifies, corrects, sees history and reports; no erasing, no exports, no settings of the site.

    Any other role: make_operator(Role.RECEPTIONIST) of tests/support/operators.py.
    """
    return make_operator(Role.MANAGER, name="olivia", password="operator-password")


@pytest.fixture
def clerk_client(db) -> Client:
    """Logged in with staff rights and without any role."""
    return signed_in(User.objects.create_user("clara", password="clerk-password", is_staff=True))


@pytest.fixture
def staff(db) -> User:
    """A superuser, which is an administrator."""
    return User.objects.create_superuser("stefan", password="staff-password")


@pytest.fixture
def operator_client(operator: User) -> Client:
    return signed_in(operator)


@pytest.fixture
def receptionist_client(db) -> Client:
    """Enrols and verifies; nothing else."""
    return make_client(Role.RECEPTIONIST)


@pytest.fixture
def staff_client(staff: User) -> Client:
    return signed_in(staff)


def skip_reasons(terminalreporter) -> list[str]:
    return [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()) if report.longrepr]


def pytest_terminal_summary(terminalreporter) -> None:
    line = skips.summary_line(skip_reasons(terminalreporter))
    if line:
        terminalreporter.write_line(line)
        if skips.in_ci():
            terminalreporter.write_line("In CI nothing may be skipped: this run has failed.", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # a worker of xdist has none
    if reporter and skips.in_ci() and session.exitstatus == pytest.ExitCode.OK and skip_reasons(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
