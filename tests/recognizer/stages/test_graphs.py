from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from recognizer.errors import PackCorrupt
from recognizer.stages import graphs
from recognizer.stages.graphs import mend_model
from recognizer.stages.sessions import open_session

PICTURE = np.random.default_rng(3).uniform(-2, 2, (1, 3, 32, 32)).astype(np.float32)
CHANNELS = 16


def build(
    nodes: list[Any], weights: dict[str, np.ndarray[Any, Any]], *, also_inputs: tuple[str, ...] = (), opset: int = 21
) -> bytes:
    """A model from `x` (1, 3, 32, 32) to `y`; `also_inputs` are weights, or names that nothing uses."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 32, 32])]
    inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in also_inputs]
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, 32, 32])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10).SerializeToString()


def convolution() -> tuple[Any, np.ndarray[Any, Any]]:
    weights = np.random.default_rng(4).standard_normal((CHANNELS, 3, 3, 3)).astype(np.float32)
    return helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), weights


def run(model: bytes) -> Any:
    return InferenceSession(model, providers=["CPUExecutionProvider"]).run(["y"], {"x": PICTURE})[0]


def kinds(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(model).graph.node]


def inputs_of(model: bytes) -> list[str]:
    return [entry.name for entry in onnx.load_from_string(model).graph.input]


class TestWeightsAmongTheInputs:
    @pytest.fixture
    def model(self) -> bytes:
        conv, weights = convolution()
        relu = helper.make_node("Relu", ["c"], ["y"])
        return build([conv, relu], {"w": weights}, also_inputs=("w", "stale"))

    def test_only_the_picture_is_asked_for(self, model):
        mended = mend_model(model).model

        assert inputs_of(mended) == ["x"]
        onnx.checker.check_model(onnx.load_from_string(mended))

    def test_the_answers_stay(self, model):
        plain = [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["y"])]
        expected = run(build(plain, {"w": convolution()[1]}))

        assert np.array_equal(run(mend_model(model).model), expected)

    def test_an_input_that_only_a_branch_uses_stays(self):
        branch = helper.make_graph(
            [helper.make_node("Add", ["x", "offset"], ["sum"])],
            "branch",
            [],
            [helper.make_tensor_value_info("sum", TensorProto.FLOAT, None)],
        )
        node = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)

        assert "offset" in inputs_of(mend_model(build([node], {"yes": np.array(True)}, also_inputs=("offset",))).model)

    def test_what_is_no_model_comes_back_as_it_is(self, tmp_path):
        for data in (b"", b"not a model", b"\x3a\x05abc"):
            assert mend_model(data).model == data
        (tmp_path / "x.onnx").write_bytes(b"not a model")
        with pytest.raises(PackCorrupt, match="cannot be loaded as an ONNX model"):
            open_session(tmp_path / "x.onnx")


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="machine: only x86-64 gains by it")
class TestPRelu:
    def model(self, slopes: np.ndarray[Any, Any]) -> bytes:
        conv, weights = convolution()
        return build([conv, helper.make_node("PRelu", ["c", "a"], ["y"])], {"w": weights, "a": slopes})

    @pytest.mark.parametrize("highest", [0.9, 1.7])
    def test_is_said_in_other_words_with_the_same_answers(self, highest):
        slopes = np.linspace(-0.5, highest, CHANNELS, dtype=np.float32).reshape(CHANNELS, 1, 1)
        model = self.model(slopes)

        mended = mend_model(model).model

        assert "PRelu" not in kinds(mended)
        onnx.checker.check_model(onnx.load_from_string(mended))
        np.testing.assert_allclose(run(mended), run(model), atol=1e-5)

    def test_with_one_slope_for_all_channels_stays(self):
        assert "PRelu" in kinds(mend_model(self.model(np.full((1, 1, 1), 0.2, np.float32))).model)

    def test_stays_as_it_is_on_other_processors(self, monkeypatch):
        monkeypatch.setattr(platform, "machine", lambda: "aarch64")

        assert "PRelu" in kinds(mend_model(self.model(np.full((CHANNELS, 1, 1), 0.2, np.float32))).model)


def odd_network(*, listener: str = "Conv") -> bytes:
    """Thirteen channels between the picture and `y`, of which a convolution makes it, at once or after a Reshape."""
    random = np.random.default_rng(6)

    def some(*shape: int) -> np.ndarray[Any, Any]:
        return random.standard_normal(shape).astype(np.float32)

    weights = {"w": some(13, 3, 3, 3), "b": some(13), "each": some(13, 1, 3, 3), "back": some(13, 13, 1, 1)}
    weights |= {"less": some(13, 1, 1), "more": some(13, 1, 1), "last": some(CHANNELS, 13, 1, 1)}
    weights |= {"sizes": np.array([0, 0, 0, 0]), "down": some(5, 13, 1, 1), "up": some(13, 5, 1, 1)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["c", "less"], ["p"]),
        helper.make_node("Conv", ["p", "each"], ["d"], pads=[1, 1, 1, 1], group=13),
        helper.make_node("PRelu", ["d", "more"], ["q"]),
        helper.make_node("Conv", ["q", "back"], ["e"]),
        helper.make_node("GlobalAveragePool", ["e"], ["mean"]),
        helper.make_node("Conv", ["mean", "down"], ["few"]),
        helper.make_node("Relu", ["few"], ["lit"]),
        helper.make_node("Conv", ["lit", "up"], ["many"]),
        helper.make_node("Sigmoid", ["many"], ["open"]),
        helper.make_node("Mul", ["e", "open"], ["gated"]),
        helper.make_node("Add", ["gated", "p"], ["sum"]),
    ]
    if listener == "Reshape":
        nodes += [helper.make_node("Reshape", ["sum", "sizes"], ["again"])]
    nodes += [helper.make_node("Conv", ["again" if listener == "Reshape" else "sum", "last"], ["y"])]
    return build(nodes, weights)


class TestOddNumbersOfChannels:
    @pytest.mark.parametrize("block", [8, 16])
    def test_are_filled_up_to_whole_blocks_with_the_same_answers(self, monkeypatch, block):
        monkeypatch.setattr(graphs, "BLOCK", block)
        model = odd_network()
        mended = mend_model(model).model
        sizes = {entry.name: list(entry.dims) for entry in onnx.load_from_string(mended).graph.initializer}
        assert (sizes["w"], sizes["b"], sizes["each"]) == ([16, 3, 3, 3], [16], [16, 1, 3, 3])
        assert (sizes["down"], sizes["up"], sizes["last"]) == (
            [block, 16, 1, 1],
            [16, block, 1, 1],
            [CHANNELS, 16, 1, 1],
        )
        assert "PRelu" not in kinds(mended)
        assert run(mended) == pytest.approx(run(model), rel=1e-4, abs=1e-3)

    def test_stay_where_somebody_listens_who_may_count_them(self):
        model = odd_network(listener="Reshape")
        assert kinds(mend_model(model).model) == kinds(model)

    def test_stay_on_processors_without_such_blocks(self, monkeypatch):
        monkeypatch.setattr(platform, "machine", lambda: "aarch64")
        model = odd_network()
        assert kinds(mend_model(model).model) == kinds(model)

    def test_stay_where_two_nodes_share_their_weights(self):
        model = onnx.load_from_string(odd_network())
        model.graph.node[3].input[1] = "less"
        assert kinds(mend_model(model.SerializeToString()).model) == kinds(odd_network())


class TestPackedWeights:
    def model(self, *, also_activations: bool = False) -> bytes:
        conv, weights = convolution()
        packed = np.rint(weights * 20).astype(np.int8)
        unpack = helper.make_node("DequantizeLinear", ["packed", "scale", "zero"], ["w"], axis=0, block_size=64)
        values = {"packed": packed, "scale": np.array([0.05], np.float32), "zero": np.array([0], np.int8)}
        nodes = [unpack, conv, helper.make_node("Relu", ["c"], ["y" if not also_activations else "r"])]
        if also_activations:
            one = {"one": np.array(1.0, np.float32), "none": np.array(0, np.uint8)}
            nodes += [helper.make_node("QuantizeLinear", ["r", "one", "none"], ["q"])]
            nodes += [helper.make_node("DequantizeLinear", ["q", "one", "none"], ["y"])]
            values |= one
        return build(nodes, values)

    def test_are_recognised_for_they_are_unpacked_once(self):
        assert mend_model(self.model()).has_packed_weights
        assert not mend_model(self.model(also_activations=True)).has_packed_weights

    def test_with_a_single_scale_run_though_a_block_size_is_said(self, tmp_path):
        (tmp_path / "x.onnx").write_bytes(self.model())
        conv, weights = convolution()
        plain = [conv, helper.make_node("Relu", ["c"], ["y"])]

        answers = open_session(tmp_path / "x.onnx").run(["y"], {"x": PICTURE})[0]

        np.testing.assert_allclose(
            answers, run(build(plain, {"w": (np.rint(weights * 20) / 20).astype(np.float32)})), atol=1e-4
        )


class TestAnySize:
    def test_a_picture_of_another_size_is_taken(self, tmp_path: Path):
        conv, weights = convolution()
        path = tmp_path / "x.onnx"
        path.write_bytes(build([conv, helper.make_node("Relu", ["c"], ["y"])], {"w": weights}))
        wide = np.zeros((1, 3, 64, 96), np.float32)

        assert open_session(path, any_size=True).run(["y"], {"x": wide})[0].shape == (1, CHANNELS, 64, 96)
        with pytest.raises(Exception, match="Got: 64 Expected: 32"):
            open_session(path).run(["y"], {"x": wide})
