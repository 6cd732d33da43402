"""Django's settings, from the environment alone: defaults let a clone run, a bad value stops everything."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv

from config import home
from config.embedded_postgres import DATABASE_NAME, DATABASE_USER, socket_folder

T = TypeVar("T")

env = FileAwareEnv()  # NAME_FILE stands for the content of that file
CHECKOUT = Path(__file__).resolve().parent.parent


def read(name: str, parse: Callable[[str], T], default: T) -> T:
    text = str(env.str(name, default="")).strip()
    if not text:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r}: {error}") from error


def switch(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise ValueError("expected true or false")
    return words[text.lower()]


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number of at least 1")
    return int(text)


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise ValueError("expected an absolute path")
    if path.exists() and not path.is_dir():
        raise ValueError("is not a folder")
    return path


def existing_file(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_file():
        raise ValueError("no such file")
    return path


def log_level(text: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if text.upper() not in levels:
        raise ValueError(f"expected one of {', '.join(levels)}")
    return text.upper()


def device(text: str) -> str:
    if text.split(":")[0] not in ("cpu", "cuda", "mps"):
        raise ValueError("expected cpu, cuda, cuda:1 (the second one) or mps")
    return text


def backend(text: str) -> str:
    if text not in ("torch", "openvino"):
        raise ValueError("expected torch or openvino")
    return text


def broker_url(text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://", "unix://", "amqp://", "amqps://")):
        raise ValueError("expected redis://, rediss://, unix://, amqp:// or amqps://")
    return text


def kept_secret(path: Path) -> str:
    """The secret key of this home: made once, readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            try:
                path.hardlink_to(fresh)  # of two processes at once, the first one's key holds
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"TIMBRE_HOME: the secret key {path} can be neither read nor made: {error}"
        ) from error


# Places
TIMBRE_HOME = read("TIMBRE_HOME", folder, home.DEFAULT_HOME)
MODELS_DIR = read("TIMBRE_MODELS_DIR", folder, TIMBRE_HOME / home.MODELS)
CACHE_DIR = TIMBRE_HOME / home.CACHE
CALIBRATION_DIR = read("TIMBRE_CALIBRATION_DIR", folder, TIMBRE_HOME / home.CALIBRATION)
INDEX_DIR = read("TIMBRE_INDEX_DIR", folder, TIMBRE_HOME / "index")
LOGS_DIR = TIMBRE_HOME / home.LOGS
PROFILES_PATH = read("TIMBRE_PROFILES", existing_file, CHECKOUT / "config" / "config.yaml")
VOCABULARY_PATH = read("TIMBRE_VOCABULARY", existing_file, CHECKOUT / "config" / "vocabulary.yaml")
MODEL_OVERRIDE = read("TIMBRE_MODEL", str, "")  # "": the default model where it is installed, else the starter
DEVICE = read("TIMBRE_DEVICE", device, "")  # "": cuda, mps or cpu, the first that is there
BACKEND = read("TIMBRE_BACKEND", backend, "")  # "": what runs the model fastest
WORKER_THREADS = read("TIMBRE_WORKER_THREADS", count, 1)
WEB_PROCESSES = read("TIMBRE_WEB_PROCESSES", count, 1)

# Who may ask
SECRET_KEY = read("TIMBRE_SECRET_KEY", str, "") or kept_secret(TIMBRE_HOME / "secret_key")
DEBUG = read("TIMBRE_DEBUG", switch, False)
NOBODY: list[str] = []
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *read("TIMBRE_ALLOWED_HOSTS", names, NOBODY)]
CSRF_TRUSTED_ORIGINS = read("TIMBRE_TRUSTED_ORIGINS", names, NOBODY)  # https://… of a proxy that speaks TLS for us
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Applications
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_dramatiq",
    "django_htmx",
    "ninja",
    "template_partials",
    "catalog",
    "search",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.origin.OriginMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.origin.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [CHECKOUT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]
STATIC_URL = "static/"
STATICFILES_DIRS = [CHECKOUT / "static"]
WHITENOISE_USE_FINDERS = True  # files are served from where they lie; there is no collectstatic step to forget
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# Database: a server somebody runs, or our own one behind a socket in the home
EMBEDDED_POSTGRES = not env.str("DATABASE_URL", default="")


def database() -> dict[str, Any]:
    reused = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if EMBEDDED_POSTGRES:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE_NAME,
            "USER": DATABASE_USER,
            "HOST": str(socket_folder(TIMBRE_HOME)),
            **reused,
        }
    served: dict[str, Any] = env.db_url("DATABASE_URL")
    if served.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL: expected postgres://user:password@host:port/name")
    return served | reused


DATABASES = {"default": database()}

# Queue: the same Postgres, or a broker somebody runs
BROKER_URL = read("TIMBRE_BROKER_URL", broker_url, "")


def broker() -> dict[str, Any]:
    middleware = [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.ShutdownNotifications",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Retries",
        "dramatiq.middleware.CurrentMessage",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
    ]
    if BROKER_URL.startswith("amqp"):
        return {
            "BROKER": "dramatiq.brokers.rabbitmq.RabbitmqBroker",
            "OPTIONS": {"url": BROKER_URL},
            "MIDDLEWARE": middleware,
        }
    if BROKER_URL:
        # the maintenance that finds dead workers runs by chance per call: here on each one
        options: dict[str, Any] = {"url": BROKER_URL, "heartbeat_timeout": 15_000, "maintenance_chance": 1_000_000}
        return {"BROKER": "dramatiq.brokers.redis.RedisBroker", "OPTIONS": options, "MIDDLEWARE": middleware}
    # seconds; a dead worker's messages go to another one after 15 to 20 s
    options = {"heartbeat_interval": 5, "heartbeat_ttl": 15, "maintenance_interval": 5}
    return {"BROKER": "config.broker.DjangoPostgresBroker", "OPTIONS": options, "MIDDLEWARE": middleware}


DRAMATIQ_BROKER = broker()

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": read("TIMBRE_LOG_LEVEL", log_level, "INFO")},
    "loggers": {"faiss.loader": {"level": "WARNING"}},  # it tells which of its builds fit this processor
}
