"""Settings from the environment and a .env file beside manage.py (12-factor). docs/settings.md lists them."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import gettempdir

from facesite import addresses, env
from facesite.child import how_many, share_of
from facesite.logs import logging_config
from facesite.machine import local_zone, usable_cores
from facesite.openid import read_provider

BASE_DIR = Path(__file__).resolve().parent.parent
env.read_env_file(BASE_DIR / ".env")

DEBUG = env.read_bool("DEBUG", default=False)
SECRET_KEY = env.read_secret_key(debug=DEBUG)
ALLOWED_HOSTS = addresses.read_hosts("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.read_origins("CSRF_TRUSTED_ORIGINS")
FACESITE_BASE_PATH = addresses.read_base_path("FACESITE_BASE_PATH")
FORCE_SCRIPT_NAME = FACESITE_BASE_PATH or None

INSTALLED_APPS = [
    "facesite",  # before daphne: facesite's runserver ends open sockets in order
    "daphne",
    "security",
    "enrollment",
    "verification",
    "attendance",
    "api",
    "ninja",  # for the files of its documentation page
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
]
MIDDLEWARE = [
    "facesite.sources.FromAddress",
    "api.middleware.ApiAnswers",
    "django.middleware.security.SecurityMiddleware",
    "facesite.headers.SecurityHeaders",
    # With DEBUG on, static files are served from their sources, without being collected.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "facesite.hosts.CommonMiddleware",
    "facesite.cookies.SiteCsrf",
    "facesite.languages.in_their_language",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "security.sign_in.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "facesite.second_person.SecondPerson",
]
ROOT_URLCONF = "facesite.urls"
ASGI_APPLICATION = "facesite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "facesite.context.rights",
            ],
            "builtins": ["facesite.templatetags.dates"],
        },
    }
]

DATABASES = {"default": env.read_database("DATABASE_URL", default="sqlite:///db.sqlite3", base=BASE_DIR)}
# Connections are not kept between requests: under ASGI every request has a thread of its own. A few lasting threads
# keep SQLite's (enrollment/runtime/database.py).
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        # secure_delete: what is erased is overwritten in the file, not only marked as free.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
    }
    # A file, not :memory:, because consumers work in several threads; one per process, so that test runs never meet.
    DATABASES["default"]["TEST"] = {"NAME": f"{gettempdir()}/facesite-test-{os.getpid()}.sqlite3"}
else:
    DATABASES["default"]["OPTIONS"] |= {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        # eq_range_index_dive_limit: for "one of these" it looks into the index however many they are. From 200 on it
        # would guess by statistics, to which a column that is mostly empty is worthless, and read millions of rows.
        # group_concat_max_len: all keys of a day's people come as one text (security/row_sets.py).
        "init_command": (
            "SET sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', eq_range_index_dive_limit=0, "
            "group_concat_max_len=1073741824"
        ),
        "connect_timeout": 5,
    }
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.read_redis_url("REDIS_URL")
# channels_redis waits 5 s for a message, so redis-py's own time-out of 5 s would end every wait as a failure.
REDIS_HOST = {"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 8}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # A process that ended without a word is forgotten after two hours; one that runs joins again every hour.
        "CONFIG": {"hosts": [REDIS_HOST], "group_expiry": 2 * 3600},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
}

PASSWORD_HASHERS = [
    "facesite.hashers.PatientPBKDF2Hasher",
    # What was hashed by another way is checked by it once more, then hashed by the first.
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
FACESITE_IDLE_MINUTES = env.read_int("FACESITE_IDLE_MINUTES", default=120, least=5, most=7 * 24 * 60)
FACESITE_SIGN_IN_HOURS = env.read_int("FACESITE_SIGN_IN_HOURS", default=12, least=1, most=30 * 24)
# security/sign_in/sessions.py ends them; the cookie lasts longer, so that the login page can say why.
SESSION_COOKIE_AGE = (FACESITE_SIGN_IN_HOURS + 24) * 3600
# optional: who wants it; staff, required: nobody of them gets in without it.
FACESITE_SECOND_FACTOR = env.read_choice("FACESITE_SECOND_FACTOR", ["optional", "staff", "required"]) or "optional"
FACESITE_OIDC = read_provider()
FACESITE_FOLD_PASSWORDS = env.read_bool("FACESITE_FOLD_PASSWORDS", default=False)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
# In their own words: whoever looks for a language may not read the present one.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
NUMBER_GROUPING = 3  # for the API, which speaks no language: each language has its own
TIME_ZONE = env.read_zone("TIME_ZONE", default=local_zone())
FORMAT_MODULE_PATH = "facesite.formats"
USE_TZ = True
STATIC_URL = f"{FACESITE_BASE_PATH}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "facesite.uploads.UnnamedFiles",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "facesite.storage.HashedStaticFiles"},
}


# off: plain http on localhost; on: Daphne has the certificate; proxy: a proxy in front has it.
FACESITE_HTTPS = env.read_choice("FACESITE_HTTPS", ["off", "on", "proxy"]) or "off"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = FACESITE_HTTPS != "off"
SECURE_HSTS_SECONDS = 0 if FACESITE_HTTPS == "off" else 365 * 24 * 3600
if FACESITE_HTTPS == "proxy":
    # The header is believed only behind a proxy. The proxy must set it or strip it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
# Load balancers ask over plain http.
SECURE_REDIRECT_EXEMPT = [rf"^{FACESITE_BASE_PATH[1:]}/?(healthz|readyz|metrics)$"]
# HSTS for the site's other hosts and browsers' preload lists are not for one application to decide.
# W003 looks for Django's own middleware by name; facesite.cookies has a subclass of it.
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W005", "security.W021"]
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
# Cookies know no ports: two sites on one host would sign each other out.
SITE_MARK = addresses.site_mark(SECRET_KEY, DATABASES["default"]["NAME"], FACESITE_BASE_PATH)
SESSION_COOKIE_NAME = f"sessionid_{SITE_MARK}"
CSRF_COOKIE_NAME = f"csrftoken_{SITE_MARK}"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = FACESITE_BASE_PATH or "/"
MESSAGE_STORAGE = "facesite.cookies.SiteMessages"
# Where searches find the vectors: in this process, or in an engine beside the database (enrollment/milvus/).
GALLERY_URL = env.read_gallery_url("GALLERY_URL")
GALLERY_FALLBACK = env.read_bool("GALLERY_FALLBACK", default=False)
FACESITE_MQTT_URL = env.read_mqtt_url("FACESITE_MQTT_URL")
FACESITE_MQTT_TOPIC = env.read_topic("FACESITE_MQTT_TOPIC", default="facesite") or "facesite"
FACESITE_MQTT_DISCOVERY = env.read_topic("FACESITE_MQTT_DISCOVERY", default="homeassistant")
FACESITE_MQTT_NAMES = env.read_bool("FACESITE_MQTT_NAMES", default=False)
FACESITE_WEBHOOKS_PRIVATE = env.read_bool("FACESITE_WEBHOOKS_PRIVATE", default=False)
FACESITE_METRICS = env.read_bool("FACESITE_METRICS", default=False)
LOGGING = logging_config(debug=DEBUG, form=env.read_choice("FACESITE_LOG_FORMAT", ["json", "text"]))

# The key of the stored faces. In the environment, or in a file of its own that the first start makes.
FACESITE_DATA_KEY = env.read_data_key("FACESITE_DATA_KEY")
FACESITE_DATA_KEY_FILE = env.read_file("FACESITE_DATA_KEY_FILE", default=BASE_DIR / ".data-key", base=BASE_DIR)

FACESITE_MODELS_DIR = env.read_folder("FACESITE_MODELS_DIR", default=BASE_DIR / "models", base=BASE_DIR)
FACESITE_MODELS_MIRROR = env.read_folder_or_url("FACESITE_MODELS_MIRROR", base=BASE_DIR)
FACESITE_MODEL_PACK = env.read_pack("FACESITE_MODEL_PACK", FACESITE_MODELS_DIR)
FACESITE_PROCESSES = how_many()
# Of all processes of one `serve` together; each has its share of them.
FACESITE_THREADS = share_of(env.read_int("FACESITE_THREADS", default=usable_cores(), least=1, most=256))
FACESITE_DEVICE = env.read_choice("FACESITE_DEVICE", ["cpu", "cuda", "openvino"]) or "cpu"
FACESITE_CONNECTIONS_PER_ADDRESS = env.read_int("FACESITE_CONNECTIONS_PER_ADDRESS", default=512, least=8, most=16384)
FACESITE_IMPORT_MB = env.read_int("FACESITE_IMPORT_MB", default=500, least=1, most=4096)
FACESITE_QUIET_HOUR = env.read_int("FACESITE_QUIET_HOUR", default=3, least=0, most=23)
FACESITE_LIVENESS = env.read_choice("FACESITE_LIVENESS", ["required", "advisory", "off"])
# The key that signs the audit trail: itself, or else the file that holds it, which is made when it is needed first.
FACESITE_AUDIT_KEY = env.read_bytes("FACESITE_AUDIT_KEY", size=32)
FACESITE_AUDIT_KEY_FILE = env.read_file("FACESITE_AUDIT_KEY_FILE", default=BASE_DIR / ".audit-key", base=BASE_DIR)
