"""manage.py packs list | verify | install | add | quantize | cohort: the model packs and their files."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError

from enrollment.packs import store as pack_store
from enrollment.packs.cohorts import Strangers, cohort_of_product, cohort_of_site
from enrollment.packs.quantizing import crops_from_folder, crops_from_samples, quantize_pack
from enrollment.packs.switching import note_new_pack
from enrollment.runtime.pack_choice import chosen_pack_name
from recognizer.errors import PackError
from recognizer.packs.choosing import choose_pack, verify_pack
from recognizer.packs.local_packs import OwnPack, add_pack
from recognizer.packs.manifest import Manifest, Pack
from recognizer.types import Preprocessing
from security.audit.actions import Action


class Command(BaseCommand):
    requires_system_checks = []  # this command mends what a check may complain about
    _progress_is_open = False  # a line of progress was written and has not ended yet
    help = "Lists, verifies and installs the model packs that recognition runs on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="every known pack, its licence, and whether it is installed")
        verify = actions.add_parser("verify", help="check size and sha256 of the files")
        verify.add_argument("name", nargs="?", help="a pack; without it, every one whose embedder is there")
        install = actions.add_parser("install", help="fetch, check and install a pack")
        install.add_argument("name", nargs="?", help="a pack; without it, the default one")
        install.add_argument("--from", dest="source", default="", help="take the files from this folder or URL only")
        install.add_argument("--accept-licence", action="store_true", help="accept the terms of a restricted pack")
        _add_arguments_of_add(actions.add_parser("add", help="add an ArcFace-style ONNX model of your own"))
        quantize = actions.add_parser("quantize", help="make an 8-bit variant of a pack: faster, a little less exact")
        quantize.add_argument("name", nargs="?", help="a pack; without it, the one in use")
        quantize.add_argument("--crops", type=Path, help="DIR/<person>/*.jpg to calibrate on (default: kept samples)")
        quantize.add_argument("--name", dest="new_name", help="name of the variant (default: NAME-int8)")

        _add_arguments_of_cohort(
            actions.add_parser("cohort", help="hold a pack's matches against strangers: build them from aligned crops")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"handle_{options['action']}")(**options)
        except BrokenPipeError:  # facesite/commandline.py ends quietly
            raise
        except (PackError, OSError) as error:
            if self._progress_is_open:
                self.stderr.write("")
            raise CommandError(str(error)) from None

    def handle_list(self, **options: Any) -> None:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        chosen = _used_pack(manifest)
        for pack in manifest.packs.values():
            state = "in use" if pack == chosen else "installed" if pack.installed else "not installed"
            lacks = "" if pack.gate else " No cohort: a match needs its score alone."
            self.stdout.write(f"{pack.name:14}  {state:13}  {pack.title}. Licence: {pack.licence}.{lacks}")
            self.stdout.write(f"{'':31}Trained on: {pack.training_data}.")
            if pack.terms:
                self.stdout.write(f"{'':31}Terms: {pack.terms}.")

    def handle_verify(self, *, name: str | None, **options: Any) -> None:
        manifest = Manifest.load(settings.FACESITE_MODELS_DIR)
        packs = [manifest.get(name)] if name else [pack for pack in manifest.packs.values() if pack.begun]
        if not packs:
            choose_pack(manifest)  # raises: nothing is installed, and what to do about it
        problems = [problem for pack in packs if (problem := self._verify(pack))]
        if problems:
            raise CommandError("\n".join(problems))

    def _verify(self, pack: Pack) -> str:
        """What is wrong with a pack's files; empty when they are what the manifest says."""
        try:
            verify_pack(pack)
        except PackError as error:
            return str(error)
        self.stdout.write(f"{pack.name}: {len(pack.files)} files are what the manifest says.")
        return ""

    def handle_install(self, *, name: str | None, source: str, accept_licence: bool, **options: Any) -> None:
        place = source or settings.FACESITE_MODELS_MIRROR
        pack = pack_store.install_pack(
            models_dir=settings.FACESITE_MODELS_DIR,
            name=name,
            sources=(place,) if place else (),
            published=not source,  # --from names the only place: no file comes from elsewhere
            accept_licence=accept_licence,
            progress=self._show_progress if self.stderr.isatty() else None,
        )
        self.stdout.write(f"{pack.name} is installed: {pack.title}. Licence: {pack.licence}.")
        if pack.left_out:
            missing = ", ".join(file.name for file in pack.left_out)
            self.stdout.write(
                f"Without a liveness check, for {missing} could not be had. Where they can: manage.py packs install "
                f"{pack.name} --from DIR_OR_URL"
            )
        self._say_without_cohort(pack)
        self._note(Action.PACK_INSTALLED, pack, licence_accepted=accept_licence)
        self._say_which_is_used(pack)

    def handle_add(
        self, *, file: Path, sha256: str, name: str | None, title: str | None, licence: str, **options: Any
    ) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        own = OwnPack(
            name=name or re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._"),
            title=title or file.name,
            licence=licence,
            preprocessing=Preprocessing(options["colour"], tuple(options["mean"]), tuple(options["std"])),
        )
        pack = add_pack(settings.FACESITE_MODELS_DIR, own, file, sha256)
        self.stdout.write(f"{pack.name} is added: {pack.dimension} numbers per face.")
        if not pack.may_search:
            self.stdout.write(
                "Nobody has measured its thresholds, so a search (1:N) names nobody with it. Measure them: manage.py "
                "evaluate PAIRS.csv --images DIR --every-pair --write-thresholds, or on the calibration page."
            )
        self._say_without_cohort(pack)
        self._note(Action.PACK_ADDED, pack, sha256=sha256)
        if not pack.installed:
            self.stdout.write(f"Its detector is not there yet. Run: manage.py packs install {pack.name}")
        self._say_which_is_used(pack)

    def handle_quantize(self, *, name: str | None, crops: Path | None, new_name: str | None, **options: Any) -> None:
        models_dir = settings.FACESITE_MODELS_DIR
        pack = choose_pack(Manifest.load(models_dir), name or settings.FACESITE_MODEL_PACK)
        faces = crops_from_folder(pack, models_dir, crops) if crops else crops_from_samples()
        variant, report = quantize_pack(models_dir, pack, faces, new_name or f"{pack.name}-int8")
        self._note(Action.PACK_QUANTIZED, variant, made_from=pack.name)
        self.stdout.write(f"{variant.name} is added. Calibrated on {report.calibrated_on} faces, measured on others:")
        self.stdout.write(
            f"  cosine with {pack.name} on {report.measured_on} faces: "
            f"{report.mean_cosine:.4f} in the mean, {report.lowest_cosine:.4f} at worst"
        )
        if report.accuracy_before is not None and report.accuracy_after is not None:
            self.stdout.write(
                f"  accuracy on {report.mated_pairs} mated and {report.non_mated_pairs} non-mated pairs: "
                f"{report.accuracy_before:.4f} before, {report.accuracy_after:.4f} after"
            )
        self._say_which_is_used(variant)

    def handle_cohort(
        self, *, name: str | None, crops: list[Path], faces: Path | None, shipped: bool, **options: Any
    ) -> None:
        models_dir = settings.FACESITE_MODELS_DIR
        pack = choose_pack(Manifest.load(models_dir), name or settings.FACESITE_MODEL_PACK)
        mated = crops_from_folder(pack, models_dir, faces) if faces else crops_from_samples()
        build = cohort_of_product if shipped else cohort_of_site
        strangers = Strangers(tuple(crops), tuple(options["under"]), options["held_out"])
        built = build(models_dir, pack, strangers, mated)
        self._note(Action.PACK_COHORT_BUILT, built.pack, crops=str(built.crops))
        self.stdout.write(
            f"{pack.name} has a cohort, made of {built.crops} faces. A match must stand out by {built.fit.value:.3f}: "
            f"that costs {built.fit.lost} of {built.fit.matches} right matches. It counts from the next start on."
        )

    def _note(self, action: Action, pack: Pack, **facts: str | bool) -> None:
        """In the audit trail. A site may install a pack before there are tables: files need none."""
        try:
            note_new_pack(action=action, pack=pack, actor=None, **facts)
        except (DatabaseError, InterfaceError):
            self.stderr.write("This is not in the audit trail: the database has no tables yet, or does not answer.")

    def _say_without_cohort(self, pack: Pack) -> None:
        if not pack.gate:
            self.stdout.write(
                "It has no cohort, so nothing holds a match against people who resemble many. Build one: manage.py "
                f"packs cohort {pack.name} --crops TAR_OR_DIR"
            )

    def _say_which_is_used(self, pack: Pack) -> None:
        """Print how to switch to the pack, unless it is in use. (Templates of two packs cannot be compared.)"""
        if _used_pack(Manifest.load(settings.FACESITE_MODELS_DIR)) != pack:
            self.stdout.write(f"To use it, also for everybody enrolled: manage.py rebuild_templates --pack {pack.name}")

    def _show_progress(self, name: str, done: int, total: int | None) -> None:
        if total:
            filled = 30 * done // total
            state = f"[{'#' * filled}{' ' * (30 - filled)}] {100 * done // total:3d} % of {total / 1e6:.1f} MB"
        else:
            state = f"{done / 1e6:.1f} MB"
        # Django would show everything on stderr in red.
        self._progress_is_open = done != total
        self.stderr.write(f"\r{name} {state}", style_func=str, ending="" if self._progress_is_open else "\n")


def _used_pack(manifest: Manifest) -> Pack | None:
    try:
        return choose_pack(manifest, chosen_pack_name())
    except PackError:
        return None


def _add_arguments_of_cohort(parser: ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a pack; without it, the one in use")
    parser.add_argument(
        "--crops", type=Path, nargs="+", required=True, help="tar files or folders of aligned faces, 112 x 112 pixels"
    )
    parser.add_argument("--under", nargs="+", default=[""], help="only crops whose name begins with one of these")
    parser.add_argument("--faces", type=Path, help="DIR/<person>/*.jpg to set the gate on (default: kept samples)")
    parser.add_argument("--held-out", type=float, default=0.0, help="share of the crops left out, to measure with")
    parser.add_argument("--shipped", action="store_true", help="for developers: write into the product's own manifest")


def _add_arguments_of_add(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the ONNX file; input layout and dimension are read from it")
    parser.add_argument("--sha256", required=True, help="the file's sha256 as its publisher gives it")
    parser.add_argument("--name", help="name of the pack (default: the file's name)")
    parser.add_argument("--title", help="what pages call it (default: the file's name)")
    parser.add_argument("--licence", default="not stated", help="its licence")
    parser.add_argument("--colour", choices=["RGB", "BGR"], default="RGB", help="channel order (default: RGB)")
    for option, what in (("--mean", "subtracted from"), ("--std", "divides")):
        parser.add_argument(
            option,
            type=float,
            nargs=3,
            default=[127.5] * 3,
            metavar=("C1", "C2", "C3"),
            help=f"{what} each channel's 0..255 (default: 127.5 each; 0 and 1 if the graph does it itself)",
        )
