"""What the page of model packs shows and begins: the list, installing, verifying, and the switch with all it needs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from enrollment.packs.jobs import Kind, Refused, Said, Tell, start_job
from enrollment.packs.rebuilding import rebuild_templates, samples_without_template
from enrollment.packs.store import LicenceNotAccepted, install_pack
from enrollment.packs.switching import SETTLE_SECONDS, note_new_pack, pack_in_use, switch_when_complete
from enrollment.runtime.engine import start_engine
from recognizer.engine import FaceEngine
from recognizer.packs.choosing import verify_pack
from recognizer.packs.manifest import Manifest, Pack
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.rights import Right

MANIFEST_WORDS = (
    _("AuraFace (ArcFace ResNet-100, 512-d)"),
    _("its publisher says: data that may be used commercially; which data that is, was not published"),
    _("free for every use, says its publisher"),
    _("ArcFace ResNet-100 of the ONNX model zoo (512-d)"),
    _(
        "MS-Celeb-1M, cleaned: pictures of public figures gathered from the web without asking them, offered "
        "for research and withdrawn by Microsoft in 2019"
    ),
    _(
        "free by the file's licence; what the research terms of the pictures mean for weights trained on them "
        "is not settled"
    ),
    _("EdgeFace-XS (512-d)"),
    _("BSD-3-Clause or CC BY-NC-SA, see the file: check before commercial use"),
    _("WebFace260M, in part: gathered from the web without asking the people, for non-commercial research only"),
    _(
        "BSD-3-Clause in Idiap's repository, CC BY-NC-SA on some hub cards, and research terms of the "
        "pictures: ask before commercial use"
    ),
    _("SFace of OpenCV's zoo (128-d), from the package index"),
    _(
        "not stated by the zoo; the method's paper trains on CASIA-WebFace, VGGFace2 and MS-Celeb-1M, which "
        "were gathered from the web without asking the people and offered for research"
    ),
    _("MobileFaceNet (128-d), small and fast"),
    _("Starter model of this project (512-d): works without a download, errs more often than the others"),
    _("of this project; trained on research pictures, see models/README.md"),
    _(
        "distilled from EdgeFace-XS on crops of Glint360K, UTKFace and CelebA: research sets gathered from "
        "the web, see models/README.md"
    ),
    _(
        "published under this project's licence; what the research terms of the pictures mean for weights "
        "trained on them is not settled"
    ),
    _("InsightFace buffalo_l (ResNet-50, 512-d)"),
    _("InsightFace: non-commercial research purposes only"),
    _(
        "WebFace600K, out of WebFace260M: gathered from the web without asking the people, for non-commercial "
        "research only"
    ),
    _("non-commercial research only, by its publisher's word"),
    _("InsightFace buffalo_sc (MobileFaceNet, 512-d)"),
    _("not known"),
)
"""What models/manifest.toml says of packs: here so that `make messages` finds it, as TOML knows no gettext."""


@dataclass(frozen=True, slots=True)
class ListedPack:
    pack: Pack
    in_use: bool
    missing: int
    """Samples that would get a template of this pack before a switch."""

    @property
    def megabytes(self) -> float:
        return sum(file.size for file in self.pack.files) / 1e6


def list_packs() -> list[ListedPack]:
    """The one in use first, then what is installed. Raises ManifestInvalid."""
    manifest, used = Manifest.load(settings.FACESITE_MODELS_DIR), pack_in_use()
    found = list(_listed(manifest, used))
    return sorted(found, key=lambda one: (not one.in_use, not one.pack.installed))


def _listed(manifest: Manifest, used: Pack | None) -> Iterator[ListedPack]:
    for pack in manifest.packs.values():
        in_use = used is not None and pack.name == used.name
        missing = samples_without_template(pack.contract_id).count() if pack.installed and not in_use else 0
        yield ListedPack(pack, in_use, missing)


def begin_install(*, actor: Actor | None, name: str, accept_licence: bool) -> None:
    """Raises NotAllowed, PackUnknown, LicenceNotAccepted, PacksBusy."""
    require(actor, Right.MANAGE_SITE)
    pack = _pack(name)
    if pack.requires_acceptance and not accept_licence:
        raise LicenceNotAccepted(
            gettext("The pack {name} comes under these terms: {licence}. Accept them to install it.").format(
                name=name, licence=pack.licence
            )
        )
    start_job(Kind.INSTALL, name, lambda tell: _install(actor, name, accept_licence, tell))


def begin_verify(*, actor: Actor | None, name: str) -> None:
    """Raises NotAllowed, PackUnknown, PacksBusy."""
    require(actor, Right.MANAGE_SITE)
    pack = _pack(name)
    start_job(Kind.VERIFY, name, lambda tell: _verify(pack, tell))


def begin_switch(*, actor: Actor | None, name: str) -> None:
    """Compute what is missing, then switch. Raises NotAllowed, PackUnknown, PackNotInstalled, Refused, PacksBusy."""
    require(actor, Right.SET_POLICY)
    pinned = settings.FACESITE_MODEL_PACK
    if pinned and pinned != name:
        raise Refused(
            _(
                "FACESITE_MODEL_PACK={pinned} decides which pack is used. Remove it on the server and restart, then "
                "switch here."
            ),
            pinned=pinned,
        )
    _pack(name)
    start_job(Kind.SWITCH, name, lambda tell: _switch(actor, name, tell))


def _pack(name: str) -> Pack:
    return Manifest.load(settings.FACESITE_MODELS_DIR).get(name)


def _install(actor: Actor | None, name: str, accept_licence: bool, tell: Tell) -> Said:
    mirror = settings.FACESITE_MODELS_MIRROR
    pack = install_pack(
        models_dir=settings.FACESITE_MODELS_DIR,
        name=name,
        sources=(mirror,) if mirror else (),
        accept_licence=accept_licence,
        progress=lambda file, done, total: tell(Said(_("Fetching {file}."), {"file": file}), done, total or 0),
    )
    note_new_pack(action=Action.PACK_INSTALLED, pack=pack, actor=actor, licence_accepted=accept_licence)
    if pack.left_out:
        missing = ", ".join(file.name for file in pack.left_out)
        return Said(
            _("{name} is installed, but without a liveness check: {missing} could not be had."),
            {"name": name, "missing": missing},
        )
    return Said(_("{name} is installed, and every file is what the manifest says."), {"name": name})


def _verify(pack: Pack, tell: Tell) -> Said:
    tell(Said(_("Reading every file.")), 0, 0)
    verify_pack(pack)
    return Said(
        _("The {number} files of {name} are what the manifest says."), {"number": len(pack.files), "name": pack.name}
    )


def _switch(actor: Actor | None, name: str, tell: Tell) -> Said:
    tell(Said(_("Loading the pack.")), 0, 0)
    with closing(start_engine(name)) as engine:
        _rebuild(engine, tell)
        switch_when_complete(actor=actor, pack=engine.pack, rebuild=lambda: _rebuild(engine, tell))
        time.sleep(SETTLE_SECONDS)
        _rebuild(engine, tell)
    return Said(_("{name} is in use. Running servers follow within seconds."), {"name": name})


def _rebuild(engine: FaceEngine, tell: Tell) -> None:
    """Raises Refused for samples that cannot be computed anew."""
    failed = 0
    for progress in rebuild_templates(engine):
        failed += len(progress.failures)
        tell(Said(_("Computing everybody's templates anew.")), progress.done, progress.total)
    if failed:
        raise Refused(
            _(
                "Some stored pictures ({number}) could not be computed anew, so nothing was switched. "
                "`manage.py rebuild_templates --pack {pack}` names them: remove them, and take new ones."
            ),
            number=failed,
            pack=engine.pack.name,
        )
