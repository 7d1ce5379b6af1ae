"""How the engine stands to the database, for `manage.py gallery status` and `manage.py doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from enrollment.milvus.comparing import count_templates, differences
from enrollment.milvus.delivering import copies
from enrollment.milvus.shared import shared_client, table_of
from enrollment.models import GalleryCopy
from enrollment.runtime.gallery import read_revision


@dataclass(frozen=True, slots=True)
class Space:
    """One embedding space."""

    contract_id: str
    collection: str
    """Empty: none was made yet."""
    templates: int
    """In the database, that may be found."""
    rows: int
    """In the engine."""
    missing: int
    """Templates that the engine lacks or holds under another person's name; without a thorough look a guess."""
    extra: int
    """Rows of the engine that nobody may find any more; without a thorough look a guess."""
    revision: int
    """The engine was told everything up to this one."""
    is_level: bool


@dataclass(frozen=True, slots=True)
class EngineStatus:
    place: str
    revision: int
    """Of the database."""
    spaces: list[Space]
    others: list[str]
    """Collections of this prefix that this database knows nothing of: another site's, or older than a restore."""

    @property
    def is_level(self) -> bool:
        return all(space.is_level for space in self.spaces)


def engine_status(*, thorough: bool) -> EngineStatus:
    """thorough: compare row by row; otherwise numbers only. Raises GalleryAway."""
    number, _ = read_revision()
    client = shared_client()
    spaces = [_space(copy, thorough) for copy in copies()]
    known = {space.collection for space in spaces}
    others = [name for name in client.collections() if name not in known]
    return EngineStatus(client.address.place, number, spaces, others)


def _space(copy: GalleryCopy, thorough: bool) -> Space:
    number, epoch = read_revision()
    templates = sum(count_templates(copy.contract_id, copy.dimension).values())
    table = table_of(shared_client(), copy.contract_id, copy.epoch) if copy.epoch else None
    if table is None or not table.exists():
        return Space(copy.contract_id, "", templates, 0, templates, 0, copy.revision, is_level=False)
    rows = table.count()
    missing, extra = max(0, templates - rows), max(0, rows - templates)
    if thorough:
        found = list(differences(table, copy))
        missing, extra = sum(len(each.missing) for each in found), sum(len(each.extra) for each in found)
    told = copy.revision == number and copy.epoch == epoch
    return Space(
        copy.contract_id, table.name, templates, rows, missing, extra, copy.revision, told and not (missing or extra)
    )
