"""manage.py packs list | verify | install | add | quantize: the model packs and their files."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from enrollment import pack_store
from recognizer.errors import PackError
from recognizer.packs import Manifest, choose_pack, verify_pack


class Command(BaseCommand):
    help = "Lists, verifies and installs the model packs that recognition runs on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="every known pack, its licence, and whether it is installed")
        verify = actions.add_parser("verify", help="check size and sha256 of the installed files")
        verify.add_argument("name", nargs="?", help="a pack; without it, every installed one")
        install = actions.add_parser("install", help="fetch, check and install a pack")
        install.add_argument("name", nargs="?", help="a pack; without it, the default one")
        install.add_argument("--from", dest="source", default="", help="a folder or base URL to take the files from")
        install.add_argument("--accept-licence", action="store_true", help="accept the terms of a restricted pack")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"handle_{options['action']}")(**options)
        except PackError as error:
            raise CommandError(str(error)) from None

    def handle_list(self, **options: Any) -> None:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        try:
            chosen = choose_pack(manifest, settings.FACESITE_MODEL_PACK).name
        except PackError:
            chosen = None
        for pack in manifest.packs.values():
            state = "in use" if pack.name == chosen else "installed" if pack.installed else "not installed"
            self.stdout.write(f"{pack.name:14} {state:14} {pack.title}. Licence: {pack.licence}.")

    def handle_verify(self, *, name: str | None, **options: Any) -> None:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        packs = [manifest.get(name)] if name else [pack for pack in manifest.packs.values() if pack.installed]
        if not packs:
            choose_pack(manifest)
        for pack in packs:
            verify_pack(pack)
            self.stdout.write(f"{pack.name}: {len(pack.files)} files are what the manifest says.")

    def handle_install(self, *, name: str | None, source: str, accept_licence: bool, **options: Any) -> None:
        sources = tuple(place for place in (source, settings.FACESITE_MODELS_MIRROR) if place)
        pack = pack_store.install_pack(
            models_dir=settings.FACESITE_MODELS_DIR,
            name=name,
            sources=sources,
            accept_licence=accept_licence,
            progress=self._show_progress if sys.stderr.isatty() else None,
        )
        self.stdout.write(f"{pack.name} is installed: {pack.title}. Licence: {pack.licence}.")

    def _show_progress(self, name: str, done: int, total: int | None) -> None:
        share = f"{done * 100 // total:3d} %" if total else f"{done >> 20} MiB"
        self.stderr.write(f"\r{name}: {share}", ending="\n" if done == total else "")
