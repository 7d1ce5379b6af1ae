"""After a restore, the gallery's numbers begin anew."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from enrollment.models import GalleryRevision
from enrollment.runtime.notices import announce_gallery_change


def begin_new_epoch() -> None:
    """Every process loads its gallery anew. Call it in the transaction that replaced the tables."""
    GalleryRevision.objects.update_or_create(pk=GalleryRevision.SINGLETON_PK, defaults={"epoch": uuid4()})
    transaction.on_commit(announce_gallery_change)
