"""Makes an 8-bit variant of a pack, calibrated on the site's samples or on a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from enrollment.models import FaceSample
from enrollment.packs.cohorts import inherit_cohort
from enrollment.sealed import read_crops
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import SUFFIXES, UPLOAD_LIMITS, decode_crop, read_file
from recognizer.packs.choosing import sha256_of
from recognizer.packs.local_packs import OwnPack, add_pack
from recognizer.packs.manifest import Pack
from recognizer.packs.quantize import LabelledCrop, QuantizeFailed, QuantizeReport, quantize_embedder
from recognizer.types import RecognizerConfig

MOST_CROPS = 2000
"""Crops that are used at most."""


def crops_from_samples() -> list[LabelledCrop]:
    """The newest MOST_CROPS samples of the database, also those set aside; each crop (112, 112, 3) uint8 BGR."""
    rows = FaceSample.objects.order_by("-id").values_list("pk", "uuid", "crop", "person_id")[:MOST_CROPS]
    people = {pk: (person, uuid, crop) for pk, uuid, crop, person in rows.iterator()}
    crops = read_crops((pk, uuid, crop) for pk, (_, uuid, crop) in people.items())
    return [LabelledCrop(str(people[pk][0]), decode_crop(crop)) for pk, crop in crops.items()]


def crops_from_folder(pack: Pack, models_dir: Path, folder: Path) -> list[LabelledCrop]:
    """The largest face of every picture in folder/<person>/, at most MOST_CROPS; each crop (112, 112, 3) uint8 BGR.

    Pictures that cannot be decoded or show no face are passed over. Raises QuantizeFailed (no such folder), PackError.
    """
    if not folder.is_dir():
        raise QuantizeFailed(f"{folder} is no folder: name one that holds a folder of pictures for each person.")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES][:MOST_CROPS]
    engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name, cohort=False))
    engine.startup()
    try:
        found = (_largest_face(engine, path) for path in paths)
        return [crop for crop in found if crop]
    finally:
        engine.close()


def quantize_pack(models_dir: Path, pack: Pack, crops: list[LabelledCrop], name: str) -> tuple[Pack, QuantizeReport]:
    """Make the 8-bit variant of `pack` and add it as the local pack `name`, with another contract_id.

    crops: every second one calibrates the variant, the others measure it. Raises PackError (QuantizeFailed,
    PackNameTaken, ...).
    """
    with TemporaryDirectory(prefix="facesite-") as folder:
        target = Path(folder) / "quantized.onnx"
        report = quantize_embedder(pack, crops, target)
        own = OwnPack(
            name=name,
            title=f"{pack.title}, 8-bit",
            licence=pack.licence,
            preprocessing=pack.preprocessing,
            thresholds=_inherited_thresholds(pack, report),
        )
        variant = add_pack(models_dir, own, target, sha256_of(target))
    return inherit_cohort(models_dir, pack, variant, report.mean_cosine), report


def _inherited_thresholds(pack: Pack, report: QuantizeReport) -> dict[str, object]:
    """The original's thresholds, as the manifest writes them: uncertain begins at the threshold of ten times a rate."""
    loosest = max(pack.thresholds)
    match = {f"{10 * loosest:g}": pack.thresholds[loosest].uncertain}
    match |= {f"{rate:g}": threshold.match for rate, threshold in pack.thresholds.items()}
    source = (
        f"those of {pack.name}; the 8-bit embeddings agree with its own at a mean cosine of {report.mean_cosine:.4f}"
    )
    return {"measured": False, "source": source, "match": match}


def _largest_face(engine: FaceEngine, path: Path) -> LabelledCrop | None:
    try:
        image = engine.decode(read_file(path), UPLOAD_LIMITS)
    except ImageError:
        return None
    faces = engine.detect(image)
    return LabelledCrop(path.parent.name, engine.align(image, faces[0])) if faces else None
