from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from recognizer.errors import ManifestInvalid, PackCorrupt, PackNotInstalled, PackUnknown
from recognizer.packs.choosing import choose_pack, policy_for, verify_pack
from recognizer.packs.manifest import SHIPPED_DIR, Manifest
from recognizer.types import LivenessMode
from tests.support.packs import FILES, fill_folder, write_manifest


@pytest.fixture
def installed(tmp_path):
    write_manifest(tmp_path)
    fill_folder(tmp_path)
    return tmp_path


class TestShippedManifest:
    @pytest.fixture
    def manifest(self, tmp_path) -> Manifest:
        return Manifest.load(tmp_path)

    def test_describes_the_packs_of_the_documentation(self, manifest):
        assert {"mobile", "edgeface-xs", "sface", "auraface", "arcface-r100", "insightface-s", "insightface-l"} <= set(
            manifest.packs
        )
        assert manifest.default == "mobile"

    def test_pins_every_address_but_those_without_a_commit(self, manifest):
        files = {file.name: file for pack in manifest.packs.values() for file in pack.files}
        loose = {name for name, file in files.items() if file.url and "/main/" in file.url}

        assert loose == {"face_recognition_sface_2021dec.onnx"}
        assert all(file.url is None or file.url.startswith("https://") for file in files.values())

    def test_asks_to_accept_non_commercial_terms(self, manifest):
        restricted = {name for name, pack in manifest.packs.items() if pack.requires_acceptance}

        assert restricted == {"insightface-s", "insightface-l"}
        assert all(manifest.packs[name].only_by_name for name in restricted)

    def test_says_which_thresholds_were_measured(self, manifest):
        measured = {name for name, pack in manifest.packs.items() if pack.thresholds_measured}

        assert measured >= {"mobile", "edgeface-xs"}
        assert not manifest.packs["sface"].thresholds_measured
        assert all(set(pack.thresholds) == {1e-3, 1e-4, 1e-5} for pack in manifest.packs.values())

    def test_is_uncertain_below_the_threshold_of_ten_times_the_rate(self, manifest):
        thresholds = manifest.packs["mobile"].thresholds

        assert thresholds[1e-4].match == 0.412
        assert thresholds[1e-4].uncertain == thresholds[1e-3].match

    def test_gives_every_pack_its_own_embedding_space(self, manifest):
        spaces = {pack.contract_id for pack in manifest.packs.values()}

        assert len(spaces) == len(manifest.packs)
        assert all(len(space) <= 80 for space in spaces)

    def test_lies_beside_the_product(self):
        assert (SHIPPED_DIR / "manifest.toml").is_file()


class TestManifestLoad:
    @pytest.mark.parametrize(
        ("broken", "what"),
        [
            ("[packs.x]\n", r"packs\.x: 'files' is missing"),
            ('[files.x]\nrole = "poet"\nname = "a"\nsha256 = "0"\n', "poet"),
            ('[files.x]\nrole = "detector"\nname = "../a"\nsha256 = "0"\n', "plain file name"),
            ('[files.x]\nrole = "detector"\nname = "a"\nsha256 = "zz"\n', "64 hexadecimal"),
            ('[packs.x]\ntitle = "x"\nlicence = "x"\nfiles = ["tiny"]\n', "exactly one detector"),
            ('[packs.x]\ntitle = "x"\nlicence = "x"\nfiles = ["nothing"]\n', "nothing"),
            ("[packs.x]\ntitle = ", "not valid TOML"),
        ],
    )
    def test_says_which_entry_is_wrong(self, tmp_path, broken, what):
        write_manifest(tmp_path, extra=broken)

        with pytest.raises(ManifestInvalid, match=what):
            Manifest.load(tmp_path)

    @pytest.mark.parametrize(
        "match", ['{ "1e-2" = 0.5, "1e-3" = 0.4 }', '{ "1e-3" = 0.4 }', '{ "1e-2" = 0.5, "1e-3" = 3 }']
    )
    def test_refuses_thresholds_that_make_no_sense(self, tmp_path, match):
        write_manifest(tmp_path)
        path = tmp_path / "manifest.toml"
        path.write_text(
            path.read_text().replace('match = { "1e-2" = 0.2, "1e-3" = 0.3, "1e-4" = 0.4 }', f"match = {match}")
        )

        with pytest.raises(ManifestInvalid, match="thresholds"):
            Manifest.load(tmp_path)

    @pytest.mark.parametrize("role", ["landmarks", "checks"])
    def test_refuses_a_pack_with_two_networks_for_one_question(self, tmp_path, role):
        files = "".join(
            f'[files.{key}]\nrole = "{role}"\nname = "{key}.onnx"\nsha256 = "{"0" * 64}"\nsize = 1\nlicence = "x"\n'
            for key in ("one", "two")
        )
        pack = '[packs.x]\ntitle = "x"\nlicence = "x"\nfiles = ["yunet", "one", "two", "tiny"]\n'
        write_manifest(tmp_path, extra=files + pack)

        with pytest.raises(ManifestInvalid, match="one landmarks file and one checks file"):
            Manifest.load(tmp_path)

    def test_takes_the_landmarks_that_come_with_the_product_wherever_the_weights_lie(self, tmp_path):
        (tmp_path / "starter_landmarks.onnx").write_bytes(b"of an older version")
        (landmarks,) = Manifest.load(tmp_path).get("mobile").files_of("landmarks")

        assert landmarks.installed
        assert landmarks.path.parent == SHIPPED_DIR

    def test_adds_the_operators_own_packs(self, installed):
        (installed / "local.toml").write_text(
            '[packs.mine]\ntitle = "mine"\nlicence = "mine"\nfiles = ["yunet", "tiny"]\ndimension = 4\n'
            'preprocessing = { colour = "BGR", mean = [1, 2, 3], std = [4, 5, 6] }\n'
        )

        assert Manifest.load(installed).get("mine").preprocessing.mean == (1.0, 2.0, 3.0)

    def test_an_empty_models_folder_has_no_pack_at_all(self, tmp_path):
        """Whoever names a folder wants what is in it: the starter pack does not take over unasked."""
        with pytest.raises(PackNotInstalled, match="packs install mobile"):
            choose_pack(Manifest.load(tmp_path))

    def test_the_shipped_folder_always_has_a_pack(self):
        assert Manifest.load(SHIPPED_DIR).get("starter").installed

    def test_names_the_known_packs_when_asked_for_another(self, installed):
        with pytest.raises(PackUnknown, match="guarded, tiny"):
            Manifest.load(installed).get("huge")


class TestChoosePack:
    def test_takes_the_first_installed_one(self, installed):
        assert choose_pack(Manifest.load(installed)).name == "tiny"

    def test_takes_a_guarded_pack_only_by_name(self, installed):
        assert choose_pack(Manifest.load(installed), "guarded").name == "guarded"

    def test_prefers_the_manifests_order(self, models_dir):
        manifest = Manifest.load(models_dir)
        reversed_order = dataclasses.replace(manifest, packs=dict(reversed(list(manifest.packs.items()))))
        usable = [name for name, pack in manifest.packs.items() if pack.installed and not pack.only_by_name]

        assert choose_pack(manifest).name == usable[0]
        assert choose_pack(reversed_order).name == usable[-1]

    def test_says_which_command_installs_one(self, tmp_path):
        write_manifest(tmp_path)

        with pytest.raises(PackNotInstalled, match=r"manage\.py packs install tiny"):
            choose_pack(Manifest.load(tmp_path))

    def test_says_what_is_missing_of_the_named_one(self, installed):
        (installed / "tiny_embedder.onnx").unlink()

        with pytest.raises(PackNotInstalled, match=r"tiny_embedder\.onnx.*packs install tiny"):
            choose_pack(Manifest.load(installed), "tiny")


class TestVerifyPack:
    def test_accepts_intact_files(self, installed):
        verify_pack(Manifest.load(installed).get("tiny"))

    def test_notices_one_changed_byte(self, installed):
        data = bytearray(FILES["tiny"][2])
        data[17] ^= 1
        (installed / "tiny_embedder.onnx").write_bytes(bytes(data))

        with pytest.raises(PackCorrupt, match="sha256"):
            verify_pack(Manifest.load(installed).get("tiny"))

    def test_notices_a_missing_byte(self, installed):
        (installed / "tiny_embedder.onnx").write_bytes(FILES["tiny"][2][:-1])

        with pytest.raises(PackCorrupt, match="7999 bytes"):
            verify_pack(Manifest.load(installed).get("tiny"))

    def test_notices_a_missing_file(self, installed):
        (installed / "tiny_detector.onnx").unlink()

        with pytest.raises(PackNotInstalled):
            verify_pack(Manifest.load(installed).get("tiny"))


class TestContractId:
    def test_stays_the_same_for_another_title(self, installed):
        pack = Manifest.load(installed).get("tiny")

        assert dataclasses.replace(pack, title="other").contract_id == pack.contract_id

    @pytest.mark.parametrize("part", ["embedder", "colour", "mean", "dimension"])
    def test_changes_with_whatever_changes_the_space(self, installed, part):
        pack = Manifest.load(installed).get("tiny")
        changes: dict[str, dict[str, Any]] = {
            "embedder": {"files": (pack.files[0], dataclasses.replace(pack.files[1], sha256="0" * 64))},
            "colour": {"preprocessing": dataclasses.replace(pack.preprocessing, colour="BGR")},
            "mean": {"preprocessing": dataclasses.replace(pack.preprocessing, mean=(0.0, 0.0, 1.0))},
            "dimension": {"dimension": 5},
        }

        assert dataclasses.replace(pack, **changes[part]).contract_id != pack.contract_id


class TestPolicyFor:
    def test_takes_both_thresholds_of_the_rate(self, installed):
        policy = policy_for(Manifest.load(installed).get("tiny"), 1e-4, LivenessMode.ADVISORY)

        assert (policy.match_threshold, policy.uncertain_threshold, policy.fmr) == (0.4, 0.3, 1e-4)
        assert policy.liveness is LivenessMode.ADVISORY

    def test_says_what_the_rate_was_measured_on(self, installed):
        pack = Manifest.load(installed).get("tiny")
        assert policy_for(pack, 1e-4, LivenessMode.OFF).population == "on LFW (by other models)"
        measured = dataclasses.replace(pack, population="on LFW")
        assert policy_for(measured, 1e-4, LivenessMode.OFF).population == "on LFW"
        own = policy_for(pack, 1e-4, LivenessMode.OFF, match_threshold=0.45)
        assert own.population == "in this site's own gallery"

    def test_refuses_a_rate_without_a_threshold(self, installed):
        with pytest.raises(PackUnknown, match=r"0\.001, 0\.0001"):
            policy_for(Manifest.load(installed).get("tiny"), 1e-6, LivenessMode.OFF)
