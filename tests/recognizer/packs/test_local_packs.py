from __future__ import annotations

import numpy as np
import onnx
import pytest

from recognizer.errors import PackCorrupt, PackError
from recognizer.packs.choosing import sha256_of, verify_pack
from recognizer.packs.local_packs import OwnPack, PackNameTaken, add_pack, write_thresholds
from recognizer.packs.manifest import Manifest
from recognizer.stages.embedding import OnnxEmbedder
from recognizer.stages.sessions import open_session
from recognizer.types import Preprocessing
from tests.support.packs import fill_folder, write_embedder, write_manifest

PREPROCESSING = Preprocessing("BGR", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))


@pytest.fixture
def models(tmp_path):
    write_manifest(tmp_path / "models")
    return fill_folder(tmp_path / "models")


def own(name: str = "mine", title: str = 'The "best" — 你好 🙂', **other) -> OwnPack:
    return OwnPack(name=name, title=title, licence="MIT", preprocessing=PREPROCESSING, **other)


class TestAddPack:
    @pytest.mark.parametrize("channels_last", [False, True])
    def test_reads_dimension_and_layout_from_the_graph(self, models, tmp_path, channels_last):
        file = write_embedder(tmp_path / "any.onnx", dimension=7, channels_last=channels_last)

        pack = add_pack(models, own(), file, sha256_of(file).upper())

        assert pack.dimension == 7
        assert pack.installed
        verify_pack(pack)
        embedder = OnnxEmbedder(open_session(pack.embedder.path), pack.preprocessing)
        assert embedder.embed([np.full((112, 112, 3), 90, np.uint8)]).shape == (1, 7)

    def test_survives_a_second_reading_with_every_detail(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx")
        thresholds = {"measured": True, "source": "here", "match": {"1e-2": 0.1, "1e-3": 0.25}}
        add_pack(models, own(thresholds=thresholds), file, sha256_of(file))

        pack = Manifest.load(models).get("mine")

        assert pack.title == 'The "best" — 你好 🙂'
        assert pack.preprocessing == PREPROCESSING
        assert pack.thresholds[1e-3].match == 0.25
        assert pack.thresholds_measured
        assert pack.only_by_name

    def test_uses_the_default_thresholds_when_none_are_given(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx")

        pack = add_pack(models, own(), file, sha256_of(file))

        assert not pack.thresholds_measured
        assert not pack.may_search
        assert pack.thresholds[1e-4].match == 0.4

    def test_may_search_once_its_thresholds_are_measured(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx")
        add_pack(models, own(), file, sha256_of(file))

        pack = write_thresholds(models, "mine", match={1e-2: 0.3, 1e-3: 0.4, 1e-4: 0.5}, source="here")

        assert pack.may_search

    def test_takes_a_graph_that_lists_its_weights_as_inputs(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx", dimension=6)
        listed = onnx.load(file)
        for name in ("weights", "axes", "nothing_uses_it"):
            listed.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]))
        onnx.save(listed, file)

        assert add_pack(models, own(), file, sha256_of(file)).dimension == 6

    def test_keeps_earlier_packs(self, models, tmp_path):
        for number in (3, 4):
            file = write_embedder(tmp_path / f"{number}.onnx", dimension=number)
            add_pack(models, own(f"mine-{number}"), file, sha256_of(file))

        assert {"mine-3", "mine-4", "tiny"} <= set(Manifest.load(models).packs)

    def test_may_be_repeated(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx")

        assert add_pack(models, own(), file, sha256_of(file)) == add_pack(models, own(), file, sha256_of(file))

    def test_leaves_nothing_behind_for_another_hash(self, models, tmp_path):
        file = write_embedder(tmp_path / "any.onnx")
        before = sorted(models.iterdir())

        with pytest.raises(PackCorrupt, match="sha256"):
            add_pack(models, own(), file, "0" * 64)
        assert sorted(models.iterdir()) == before

    def test_leaves_nothing_behind_for_a_file_that_is_no_model(self, models, tmp_path):
        file = tmp_path / "any.onnx"
        file.write_bytes(b"not a model")
        before = sorted(models.iterdir())

        with pytest.raises(PackCorrupt, match="ONNX"):
            add_pack(models, own(), file, sha256_of(file))
        assert sorted(models.iterdir()) == before

    @pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 80])
    def test_refuses_names_that_are_no_file_names(self, models, tmp_path, name):
        file = write_embedder(tmp_path / "any.onnx")

        with pytest.raises(PackError, match="--name"):
            add_pack(models, own(name), file, sha256_of(file))

    @pytest.mark.parametrize("name", ["tiny", "guarded", "tiny_detector"])
    def test_never_overwrites_what_another_pack_uses(self, models, tmp_path, name):
        file = write_embedder(tmp_path / "any.onnx")

        with pytest.raises(PackNameTaken):
            add_pack(models, own(name), file, sha256_of(file))
