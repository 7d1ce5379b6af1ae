from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recognizer.errors import PackCorrupt
from recognizer.packs.choosing import verify_file
from recognizer.packs.cohorts import CohortFailed, fit_gate, is_held_out, load_cohort, read_centres, write_centres
from recognizer.packs.manifest import SHIPPED_DIR, Manifest
from recognizer.search.cohort import Cohort
from recognizer.stages.embedding import normalize_rows
from tests.support.packs import sha256, write_manifest

RANDOM = np.random.default_rng(4)
CENTRES = normalize_rows(RANDOM.standard_normal((300, 128)).astype(np.float32))


class TestShipped:
    @pytest.mark.parametrize("name", ["mobile", "edgeface-xs", "starter"])
    def test_every_pack_that_is_offered_first_has_strangers_of_its_own_space(self, name):
        pack = Manifest.load(SHIPPED_DIR).get(name)
        (file,) = pack.files_of("cohort")
        verify_file(file, file.path, name)
        cohort = load_cohort(pack)
        assert cohort is not None and pack.gate is not None
        assert cohort.centres.shape == (300, pack.dimension)
        assert file.size < 160_000
        assert cohort.gate == pack.gate.value > 0
        assert "mated pairs" in pack.gate.source


class TestFile:
    def test_keeps_directions_to_within_a_thousandth(self, tmp_path):
        write_centres(tmp_path / "centres.npy", CENTRES)
        read = read_centres(tmp_path / "centres.npy", 128)
        probes = normalize_rows(RANDOM.standard_normal((50, 128)).astype(np.float32))
        assert np.abs(probes @ read.T - probes @ CENTRES.T).max() < 0.004
        assert (tmp_path / "centres.npy").stat().st_size < 40_000

    @pytest.mark.parametrize(
        "stored", [np.zeros((3, 128), np.float32), np.zeros((3, 64), np.int8), np.zeros((0, 128), np.int8)]
    )
    def test_refuses_what_holds_no_centres_of_the_space(self, tmp_path, stored):
        np.save(tmp_path / "centres.npy", stored)
        with pytest.raises(PackCorrupt, match="no cohort of 128 numbers"):
            read_centres(tmp_path / "centres.npy", 128)

    def test_runs_nothing_that_a_file_brings_along(self, tmp_path):
        np.save(tmp_path / "centres.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(PackCorrupt, match="holds no cohort"):
            read_centres(tmp_path / "centres.npy", 128)


class TestManifest:
    def entry(self, models: Path, contract_id: str) -> str:
        data = b"centres"
        (models / "tiny.npy").write_bytes(data)
        lines = ["[cohorts.tiny]", f'contract_id = "{contract_id}"', 'name = "tiny.npy"', f"size = {len(data)}"]
        return "\n".join([*lines, f'sha256 = "{sha256(data)}"', 'licence = "MIT"', "gate = 4.5", 'source = "a test"'])

    def test_a_cohort_of_another_embedding_space_is_not_the_pack_s(self, tmp_path):
        write_manifest(tmp_path)
        own = Manifest.load(tmp_path).get("tiny")
        (tmp_path / "local.toml").write_text(self.entry(tmp_path, "tiny-0123456789abcdef"))
        assert Manifest.load(tmp_path).get("tiny") == own
        (tmp_path / "local.toml").write_text(self.entry(tmp_path, own.contract_id))
        pack = Manifest.load(tmp_path).get("tiny")
        assert pack.gate is not None and pack.gate.value == 4.5
        assert pack.without_cohort() == own

    def test_the_site_s_own_takes_the_place_of_the_shipped_one(self, tmp_path):
        write_manifest(tmp_path)
        contract_id = Manifest.load(tmp_path).get("tiny").contract_id
        write_manifest(tmp_path, extra=self.entry(tmp_path, contract_id).replace("4.5", "3.5") + "\n")
        (tmp_path / "local.toml").write_text(self.entry(tmp_path, contract_id))
        pack = Manifest.load(tmp_path).get("tiny")
        assert pack.gate is not None and pack.gate.value == 4.5
        assert len(pack.files_of("cohort")) == 1


class TestFitGate:
    COHORT = Cohort(CENTRES, gate=0.0)

    def people(self, count: int) -> tuple[np.ndarray, list[str]]:
        """Two pictures of each person, more and more alike."""
        faces = normalize_rows(RANDOM.standard_normal((count, 128)).astype(np.float32))
        noise = normalize_rows(RANDOM.standard_normal((count, 128)).astype(np.float32))
        others = normalize_rows(faces + np.linspace(1.0, 0.3, count, dtype=np.float32)[:, np.newaxis] * noise)
        return np.concatenate([faces, others]), [str(n) for n in [*range(count), *range(count)]]

    def test_costs_two_in_a_thousand_of_the_right_matches(self):
        embeddings, people = self.people(1_000)
        fit = fit_gate(self.COHORT, embeddings, people, match_threshold=0.3)
        assert (fit.matches, fit.lost) == (1_000, 1)
        assert fit_gate(self.COHORT, embeddings, people, match_threshold=0.9).matches < 1_000

    def test_says_how_many_pairs_it_needs(self):
        with pytest.raises(CohortFailed, match="50 pairs of pictures of one person are too few"):
            fit_gate(self.COHORT, *self.people(50), match_threshold=0.3)


class TestIsHeldOut:
    def test_is_decided_by_the_name_alone_for_about_the_share_that_was_asked_for(self):
        names = [f"utk/{number:05d}.webp" for number in range(2_000)]
        half = {name for name in names if is_held_out(name, 0.5)}
        assert 0.45 < len(half) / len(names) < 0.55
        assert {name for name in names if is_held_out(name, 0.2)} < half
        assert not any(is_held_out(name, 0.0) for name in names)
