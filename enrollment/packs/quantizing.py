"""Making an 8-bit variant of a pack from faces of the site's own, or from a folder of pictures."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from enrollment.models import FaceSample
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import UPLOAD_LIMITS, decode_crop, read_file
from recognizer.packs.choosing import sha256_of
from recognizer.packs.local_packs import OwnPack, add_pack
from recognizer.packs.manifest import Pack
from recognizer.packs.quantize import LabelledCrop, QuantizeFailed, QuantizeReport, quantize_embedder
from recognizer.types import RecognizerConfig

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MOST_CROPS = 2000


def crops_from_samples() -> list[LabelledCrop]:
    """The newest kept samples of the database."""
    rows = FaceSample.objects.order_by("-id").values_list("person_id", "crop")[:MOST_CROPS]
    return [LabelledCrop(str(person), decode_crop(bytes(crop))) for person, crop in rows.iterator()]


def crops_from_folder(pack: Pack, models_dir: Path, folder: Path) -> list[LabelledCrop]:
    """The largest face of every picture in DIR/<person>/; pictures without one are passed over.

    Raises QuantizeFailed (no such folder), PackError.
    """
    if not folder.is_dir():
        raise QuantizeFailed(f"{folder} is no folder: name one that holds a folder of pictures for each person.")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES][:MOST_CROPS]
    engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name))
    engine.startup()
    try:
        found = (_largest_face(engine, path) for path in paths)
        return [crop for crop in found if crop]
    finally:
        engine.close()


def quantize_pack(models_dir: Path, pack: Pack, crops: list[LabelledCrop], name: str) -> tuple[Pack, QuantizeReport]:
    """Add the 8-bit variant as a pack of the operator's own, with a contract_id of its own. Raises PackError."""
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
        return add_pack(models_dir, own, target, sha256_of(target)), report


def _inherited_thresholds(pack: Pack, report: QuantizeReport) -> dict[str, object]:
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
