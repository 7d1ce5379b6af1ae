"""The production server: Daphne with an orderly end and optional TLS; the engine warms up in the background."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from daphne.endpoints import build_endpoint_description_strings
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.multiprocess import mark_process_dead

from facesite.charset import refuse_wrong_charset
from facesite.child import end_with_parent, my_place, tell_when_warm
from facesite.env import environment_without_files
from facesite.gauges import FOLDER
from facesite.health import redis_answers
from facesite.logs import native_lines_logged
from facesite.processes import Parent, open_sockets
from facesite.server import Server  # first: it installs Twisted's asyncio reactor, before another is imported
from facesite.storage import collect_static_files

MOST_PROCESSES: Final = 64
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Command(BaseCommand):
    help = "Serve pages and sockets with Daphne. SIGTERM and Ctrl-C end it in order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=read_port, default=8000, help="port to listen on (default: %(default)s)")
        parser.add_argument(
            "--processes",
            type=read_processes,
            default=1,
            metavar="N",
            help="so many servers on one port, which share FACESITE_THREADS; SIGHUP replaces one after the other",
        )
        parser.add_argument("--prepare", action="store_true", help="run `manage.py prepare` first, in the same process")
        parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate (PEM, with its chain)")
        parser.add_argument("--tls-key", type=Path, metavar="FILE", help="private key of the certificate (PEM)")

    def handle(self, *, host: str, port: int, tls_cert: Path | None, tls_key: Path | None, **options: Any) -> None:
        if my_place():
            pass  # its parent has done it
        elif options["prepare"]:
            call_command("prepare", stdout=self.stdout, stderr=self.stderr)
        elif not settings.DEBUG and not Path(settings.STATIC_ROOT, "staticfiles.json").exists():
            collect_static_files()
        check_site_key()
        endpoints = choose_endpoints(host, port, tls_cert, tls_key)
        if tls_cert:
            switch_to_https()
        if my_place():
            self.serve(endpoints, address="")
            return
        self.tell_what_is_missing(host)
        origin = f"{'https' if tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        address = f"{origin}{settings.FACESITE_BASE_PATH}/"
        if options["processes"] > 1 and not hasattr(signal, "SIGHUP"):
            raise CommandError("Windows cannot share a socket among processes: leave --processes out.")
        if options["processes"] == 1:
            failure = self.serve(endpoints, address)
        else:
            failure = self.serve_with_many(host, port, options["processes"], address)
        if failure:
            raise CommandError(
                f"Port {port} on {host} cannot be used ({failure.rstrip('.')}). "
                f"Stop what runs there, or take another port: PORT={port + 1} make run"
            )

    def serve(self, endpoints: list[str], address: str) -> str:
        """Until it is asked to end. Returns why it could not listen; empty when it could."""
        server = build_server(endpoints, when_listening=lambda: self.begin(address))
        try:
            with native_lines_logged():
                server.run()
        finally:
            ignore_signals()
            stop_background()
            close_engine()
        return server.listen_failure

    def begin(self, address: str) -> None:
        """Called when the server listens: say where, and start to warm up."""
        from facesite.warmup import is_warm, warmup

        if place := my_place():
            end_with_parent(place)
            tell_when_warm(place, is_warm, warmup.start)
        else:
            self.say_address(address)
        start_background()

    def say_address(self, address: str) -> None:
        self.stdout.write(f"facesite is at {address} (Ctrl-C stops it)")
        self.stdout.flush()

    def serve_with_many(self, host: str, port: int, processes: int, address: str) -> str:
        """As serve(), with processes that serve on the socket that this one opens. Raises CommandError."""
        if not settings.REDIS_URL:
            self.stderr.write(
                "REDIS_URL is not set: the processes share limits through the database, and notice a change of "
                "people half a second later. With several machines or a busy site, run Redis."
            )
        try:
            sockets = open_sockets(host, port)
        except OSError as error:
            return error.strerror or str(error)
        connection.close()
        command = [sys.executable, *sys.argv[:1], "serve", *child_arguments(sys.argv[2:])]
        with TemporaryDirectory(prefix="facesite-metrics-") as folder:
            parent = Parent(
                processes,
                sockets,
                command,
                environment_without_files() | ({FOLDER: folder} if settings.FACESITE_METRICS else {}),
                when_listening=lambda: self.say_address(address),
                when_gone=lambda pid: mark_process_dead(pid, folder),  # type: ignore[no-untyped-call]
            )
            if not parent.run():
                raise CommandError("No process could start: the lines above say why.")
        return ""

    def tell_what_is_missing(self, host: str) -> None:
        """Notes on stderr about what the operator will stumble over. Only a wrong character set stops the server."""
        try:
            refuse_wrong_charset()
            self.check_migrations()
        except (DatabaseError, InterfaceError):
            self.stderr.write("The database does not answer; /readyz says 503 until it does.")
        if settings.REDIS_URL and not redis_answers(settings.REDIS_URL):
            self.stderr.write(
                "No Redis answers at REDIS_URL; until one does, other processes notice changes half a second later."
            )
        if host not in LOOPBACK and set(settings.ALLOWED_HOSTS) <= {*LOOPBACK, "[::1]"}:
            self.stderr.write("ALLOWED_HOSTS names this machine only: add the name that browsers will use.")


def check_site_key() -> None:
    """Without the key of the stored faces nothing may start. Raises SiteKeyUnusable, a sentence for the operator."""
    from security.encryption.site_keys import current_site_key

    with suppress(DatabaseError, InterfaceError):  # it is told below, and /readyz says 503
        current_site_key()


def read_port(text: str) -> int:
    """A port number from the command line. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ArgumentTypeError(f"PORT must be a number from 1 to 65535, not '{text}'.")
    return int(text)


def read_processes(text: str) -> int:
    """Raises ArgumentTypeError."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROCESSES:
        raise ArgumentTypeError(f"--processes must be a number from 1 to {MOST_PROCESSES}, not '{text}'.")
    return int(text)


def child_arguments(given: Sequence[str]) -> list[str]:
    """What the parent was told, without what it does itself."""
    return [argument for argument in given if argument != "--prepare"]


def choose_endpoints(host: str, port: int, certificate: Path | None, key: Path | None) -> list[str]:
    """Twisted's descriptions of the endpoints to listen on. Raises CommandError when the TLS files are of no use."""
    from facesite.tls import TlsFilesInvalid, check_tls_files, tls_endpoint

    if certificate is None and key is None:
        return list(build_endpoint_description_strings(host=host, port=port))
    if certificate is None or key is None:
        raise CommandError("--tls-cert and --tls-key belong together.")
    try:
        check_tls_files(certificate, key)
    except TlsFilesInvalid as error:
        raise CommandError(str(error)) from error
    return [tls_endpoint(host, port, certificate, key)]


def switch_to_https() -> None:
    """With a certificate, cookies are secure whatever FACESITE_HTTPS says. (HSTS is sent only when it says so.)"""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def build_server(endpoints: list[str], *, when_listening: Callable[[], None]) -> Server:
    """The server, not running yet. endpoints: Twisted's descriptions; when_listening: called once they listen."""
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    from facesite.asgi import application
    from facesite.base_path import BasePath
    from facesite.logs import log_action

    # With DEBUG on the files were not collected; otherwise WhiteNoise serves the collected files.
    return Server(
        application=BasePath(ASGIStaticFilesHandler(application)) if settings.DEBUG else application,  # type: ignore[arg-type]
        endpoints=endpoints,
        action_logger=log_action,
        ready_callable=when_listening,
        server_name="facesite",
    )


def ignore_signals() -> None:
    """Once the server has ended, a second SIGTERM or Ctrl-C must not kill the process before it is gone.

    The interpreter gives up Python's handlers some time before its end, and from then on a signal kills. A signal that
    is ignored stays ignored.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def start_background() -> None:
    """Start to warm up, and every thread that works beside requests and sockets."""
    from api.mqtt.publishing import publisher
    from api.webhooks.delivering import courier
    from enrollment.milvus.keeping import keeper
    from facesite.upkeep import upkeep
    from facesite.warmup import is_warm, warmup
    from security.daily import worker

    warmup.start()
    worker.start(is_warm)
    upkeep.start()
    courier.start()
    keeper.start()
    if settings.FACESITE_MQTT_URL:
        publisher.start()


def stop_background() -> None:
    """One that never started ends at once."""
    from api.mqtt.publishing import publisher
    from api.webhooks.delivering import courier
    from enrollment.milvus.keeping import keeper
    from facesite.upkeep import upkeep
    from security.daily import worker

    for thread in (worker, upkeep, courier, keeper, publisher):
        thread.stop()


def close_engine() -> None:
    from enrollment.runtime.engine import reset_engine

    reset_engine()
