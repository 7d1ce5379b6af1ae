"""Sets right in memory what published ONNX graphs carry along. The file and its sha256 stay what they are.

- Weights that are listed as inputs as well. Whoever runs the graph would have to feed those that nothing uses any more,
  and ONNX Runtime could compute nothing in advance of those that a caller might replace.
- Sizes that were fixed at export though the network takes any (a detector's picture).
- A block size beside a single scale, which ONNX allows and ONNX Runtime 1.32 refuses.
- PReLU with one slope per channel, which ONNX Runtime computes value by value in another memory layout than the
  convolutions around it. As convolution and ReLU it stays in theirs: SFace takes half the time (docs/decisions.md).
- Odd numbers of channels around such PReLUs, which fit into no block of that layout: channels of zeros are added, which
  nothing that follows listens to. The liveness networks take two fifths of the time.

Field numbers are those of onnx.proto3, https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto3.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from recognizer.stages.wire import Field, read_fields, read_numbers, write_bytes, write_number
from recognizer.types import Vector

MODEL_IR_VERSION, MODEL_GRAPH = 1, 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_SHAPES = 1, 5, 11, 12, 13
NODE_INPUT, NODE_OUTPUT, NODE_KIND, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_INT, ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS, ATTRIBUTE_TYPE, TYPE_INT = 1, 3, 6, 11, 20, 2
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW, FLOAT = 1, 2, 8, 9, 1
VALUE_NAME, VALUE_TYPE = 1, 2

WEIGHTS_ARE_FIXED_FROM = 4
"""The IR version from which initializers need not be inputs; those that are may be replaced by the caller."""
AVX_512F = 13
"""OpenCV's number of that instruction set (cv::CpuFeatures)."""
BLOCK = 16 if cv2.checkHardwareSupport(AVX_512F) else 8
"""ONNX Runtime lays out channels in blocks of so many on x86-64 (MlasNchwcGetBlockSize). Other numbers, and other
processors, gain nothing."""
SAME_CHANNELS = frozenset({"Add", "AveragePool", "GlobalAveragePool", "MaxPool", "Mul", "Relu", "Sigmoid"})
"""Operators that treat each channel by itself, and have no weights of their own."""


@dataclass(frozen=True, slots=True)
class MendedModel:
    model: bytes
    """The ONNX file to load."""
    has_packed_weights: bool
    """Weights are stored as integers and unpacked by the graph, which otherwise computes with floats."""


def mend_model(model: bytes, *, any_size: bool = False) -> MendedModel:
    """The same network without what is said above. any_size: its first input takes pictures of every height and width.

    What cannot be read comes back as it is: ONNX Runtime says what is wrong with it.
    """
    try:
        parts = list(read_fields(memoryview(model)))
        graph = _Graph([field for part in parts if part.number == MODEL_GRAPH for field in read_fields(part.content)])
        version = next((part.value for part in parts if part.number == MODEL_IR_VERSION), 0)
        mended = graph.mended(any_size=any_size, weights_are_inputs=cast(int, version) < WEIGHTS_ARE_FIXED_FROM)
        packed = "DequantizeLinear" in graph.kinds and "QuantizeLinear" not in graph.kinds
    except (ValueError, TypeError):
        return MendedModel(model, has_packed_weights=False)
    if not graph.kinds:
        return MendedModel(model, has_packed_weights=False)
    rest = b"".join(part.whole for part in parts if part.number != MODEL_GRAPH)
    return MendedModel(rest + write_bytes(MODEL_GRAPH, mended), has_packed_weights=packed)


@dataclass(frozen=True, slots=True)
class _Node:
    kind: str
    """Empty for operators that are not ONNX's own."""
    inputs: Sequence[str]
    outputs: Sequence[str]
    inner: Sequence[str]
    """Names that graphs inside the node use, such as the branches of an If."""
    content: memoryview

    @classmethod
    def read(cls, content: memoryview) -> _Node:
        fields = list(read_fields(content))

        def texts(number: int) -> list[str]:
            return [field.text for field in fields if field.number == number]

        inner = [name for field in fields if field.number == NODE_ATTRIBUTE for name in _names_inside(field.content)]
        kind = "" if any(texts(NODE_DOMAIN)) else "".join(texts(NODE_KIND))
        return cls(kind, texts(NODE_INPUT), texts(NODE_OUTPUT), inner, content)

    @property
    def group(self) -> int:
        """Of a convolution: into how many groups its channels are parted."""
        for field in read_fields(self.content):
            if _is_group(field):
                return next(
                    cast(int, part.value) for part in read_fields(field.content) if part.number == ATTRIBUTE_INT
                )
        return 1

    def with_group(self, group: int) -> bytes:
        """As it stands in the graph, with another group."""
        rest = b"".join(field.whole for field in read_fields(self.content) if not _is_group(field))
        return write_bytes(GRAPH_NODE, rest + _group_of(group))


class _Graph:
    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._nodes = [_Node.read(field.content) for field in fields if field.number == GRAPH_NODE]
        weights = (field.content for field in fields if field.number == GRAPH_INITIALIZER)
        self._weights = {_text_of(content, TENSOR_NAME): content for content in weights}
        self.kinds = {node.kind for node in self._nodes}

    def mended(self, *, any_size: bool, weights_are_inputs: bool) -> bytes:
        used = {name for node in self._nodes for name in (*node.inputs, *node.inner)}
        nodes = iter(self._nodes)
        makers = {output: node.kind for node in self._nodes for output in node.outputs}
        filled = _Filled() if weights_are_inputs else self._filled_up()
        weights = self._weights | {name: memoryview(tensor) for name, tensor in filled.weights.items()}
        parts: list[bytes | memoryview] = []
        for field in self._fields:
            if field.number == GRAPH_NODE:
                node = next(nodes)
                same = filled.groups.get(node.outputs[0]) if node.outputs else None
                whole = field.whole if same is None else node.with_group(same)
                parts += self._plain_scale(node) or _faster(node, makers, weights) or [whole]
            elif field.number == GRAPH_INITIALIZER and (name := _text_of(field.content, TENSOR_NAME)) in filled.weights:
                parts.append(write_bytes(GRAPH_INITIALIZER, filled.weights[name]))
            elif field.number == GRAPH_INPUT:
                name = _text_of(field.content, VALUE_NAME)
                if name in used and (weights_are_inputs or name not in self._weights):
                    parts.append(_of_any_size(GRAPH_INPUT, field, _PICTURE) if any_size else field.whole)
            elif any_size and field.number == GRAPH_OUTPUT:
                parts.append(_of_any_size(GRAPH_OUTPUT, field, b""))
            elif not ((any_size or filled.weights) and field.number == GRAPH_SHAPES):
                parts.append(field.whole)
        return b"".join(parts)

    def _plain_scale(self, node: _Node) -> list[bytes]:
        """A DequantizeLinear whose only scale is for the whole tensor, without attributes; empty for every other."""
        if node.kind != "DequantizeLinear" or _shape(self._weights.get(node.inputs[1])) != (1,):
            return []
        return [_write_node(node.kind, node.inputs, node.outputs[0])]

    def _filled_up(self) -> _Filled:
        """Nothing where all PReLUs fit into blocks, or where somebody listens of whom nobody knows how."""
        slopes = [self._weights.get(node.inputs[1]) for node in self._nodes if node.kind == "PRelu"]
        odd = any((_shape(each) or (0,))[0] % BLOCK for each in slopes)
        filled = _Filled()
        if not (odd and _has_blocks()):
            return filled
        given = [_text_of(field.content, VALUE_NAME) for field in self._fields if field.number == GRAPH_OUTPUT]
        known = all(filled.take(node, self._weights) for node in self._nodes)
        return filled if known and not any(filled.is_padded(name) for name in given) else _Filled()


class _Filled:
    """The weights of a network whose channels fill whole blocks. Those that are added hold nothing, or nothing of use:
    every weight by which a convolution would hear them is zero."""

    def __init__(self) -> None:
        self.weights: dict[str, bytes] = {}
        """Name -> TensorProto."""
        self.groups: dict[str, int] = {}
        """Output of a convolution of each channel by itself -> how many there are now."""
        self._channels: dict[str, tuple[int, int]] = {}
        """Name -> channels before and now."""

    def is_padded(self, name: str) -> bool:
        before, now = self._channels.get(name, (0, 0))
        return before != now

    def take(self, node: _Node, weights: Mapping[str, memoryview]) -> bool:
        """Call it for each node in their order. False: this one cannot be told what is added."""
        if any(map(self.is_padded, node.inner)) or any(name in self.weights for name in node.inputs):
            return False  # a graph inside of it, or weights that two nodes share
        if node.kind == "Conv":
            return self._convolution(node, weights)
        if not any(map(self.is_padded, node.inputs)):
            return True
        channels = self._channels.get(node.inputs[0], (0, 0))
        if node.kind == "PRelu":
            slopes = _read_floats(weights.get(node.inputs[1]))
            if slopes is None or slopes.shape != (channels[0], 1, 1):
                return False
            self._fill(node.inputs[1], slopes, (channels[1], 1, 1))
        elif node.kind not in SAME_CHANNELS or any(self._channels.get(name) != channels for name in node.inputs):
            return False
        self._channels[node.outputs[0]] = channels
        return True

    def _convolution(self, node: _Node, weights: Mapping[str, memoryview]) -> bool:
        kernel, group = _read_floats(weights.get(node.inputs[1])), node.group
        if kernel is None:
            return False
        heard, made = kernel.shape[1] * group, len(kernel)
        before, now = self._channels.get(node.inputs[0], (heard, heard))
        if heard != before:
            return False
        if group == 1:
            full = -(-made // BLOCK) * BLOCK
            self._fill(node.inputs[1], kernel, (full, now, *kernel.shape[2:]))
        elif group == before == made:
            full = self.groups[node.outputs[0]] = now
            self._fill(node.inputs[1], kernel, (full, *kernel.shape[1:]))
        else:
            return False
        if len(node.inputs) > 2:
            biases = _read_floats(weights.get(node.inputs[2]))
            if biases is None:
                return False
            self._fill(node.inputs[2], biases, (full,))
        self._channels[node.outputs[0]] = made, full
        return True

    def _fill(self, name: str, values: Vector, shape: tuple[int, ...]) -> None:
        whole = np.zeros(shape, np.float32)
        whole[tuple(map(slice, values.shape))] = values
        self.weights[name] = _write_floats(name, whole)


def _faster(node: _Node, makers: Mapping[str, str], weights: Mapping[str, memoryview]) -> list[bytes]:
    """A PReLU behind a convolution, in other words; empty for every other node, which stays."""
    if node.kind != "PRelu" or makers.get(node.inputs[0]) not in ("Conv", "BatchNormalization") or not _has_blocks():
        return []
    slopes = _read_floats(weights.get(node.inputs[1]))
    if slopes is None or slopes.shape[-3:] != (slopes.size, 1, 1) or slopes.size % BLOCK:
        return []
    return list(_prelu_as_convolution(node.inputs[0], node.outputs[0], slopes.ravel()))


def _has_blocks() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")


def _prelu_as_convolution(source: str, target: str, slopes: Vector) -> Iterator[bytes]:
    """x + s * relu(-|1 - a| * x), with s the sign of 1 - a: x where x > 0, and a * x elsewhere. slopes: the a, (c,)."""
    yield from _scale(source, f"{target}/below", -np.abs(1 - slopes))
    yield _write_node("Relu", [f"{target}/below"], f"{target}/rest")
    rest = f"{target}/rest"
    if (slopes > 1).any():
        yield from _scale(rest, f"{target}/signed", np.where(slopes > 1, -1, 1))
        rest = f"{target}/signed"
    yield _write_node("Add", [source, rest], target)


def _scale(source: str, target: str, factors: Vector) -> Iterator[bytes]:
    """Each channel times its factor. factors: (c,)."""
    yield write_bytes(GRAPH_INITIALIZER, _write_floats(f"{target}/factors", factors.reshape(-1, 1, 1, 1)))
    yield _write_node("Conv", [source, f"{target}/factors"], target, group=len(factors))


def _write_node(kind: str, inputs: Iterable[str], output: str, *, group: int = 0) -> bytes:
    parts = [write_bytes(NODE_INPUT, name) for name in inputs]
    parts += [write_bytes(NODE_OUTPUT, output), write_bytes(NODE_KIND, kind)]
    if group:
        parts.append(_group_of(group))
    return write_bytes(GRAPH_NODE, b"".join(parts))


def _group_of(group: int) -> bytes:
    value = write_number(ATTRIBUTE_INT, group) + write_number(ATTRIBUTE_TYPE, TYPE_INT)
    return write_bytes(NODE_ATTRIBUTE, write_bytes(ATTRIBUTE_NAME, "group") + value)


def _is_group(field: Field) -> bool:
    return field.number == NODE_ATTRIBUTE and _text_of(field.content, ATTRIBUTE_NAME) == "group"


def _write_floats(name: str, values: Vector) -> bytes:
    """A TensorProto."""
    dims = b"".join(write_number(TENSOR_DIMS, size) for size in values.shape)
    raw = write_bytes(TENSOR_RAW, values.astype("<f4").tobytes())
    return dims + write_number(TENSOR_TYPE, FLOAT) + write_bytes(TENSOR_NAME, name) + raw


def _dimension(size: int | str) -> bytes:
    """TensorShapeProto.dim: a number (1) or a name (2)."""
    return write_bytes(1, write_number(1, size) if isinstance(size, int) else write_bytes(2, size))


_PICTURE = write_bytes(2, _dimension(1) + _dimension(3) + _dimension("height") + _dimension("width"))
"""The shape of TypeProto.Tensor for one colour picture of any size."""


def _of_any_size(number: int, field: Field, shape: bytes) -> bytes:
    """An input or output of floats with another shape; empty: it is not said."""
    name = write_bytes(VALUE_NAME, _text_of(field.content, VALUE_NAME))
    return write_bytes(number, name + write_bytes(VALUE_TYPE, write_bytes(1, write_number(1, FLOAT) + shape)))


def _names_inside(attribute: memoryview) -> Iterator[str]:
    for field in read_fields(attribute):
        if field.number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            for part in read_fields(field.content):
                if part.number == GRAPH_NODE:
                    node = _Node.read(part.content)
                    yield from (*node.inputs, *node.inner)


def _read_floats(tensor: memoryview | None) -> Vector | None:
    """A TensorProto of floats that holds its bytes itself; None for any other."""
    if tensor is None:
        return None
    fields = list(read_fields(tensor))
    raw = [field.content for field in fields if field.number == TENSOR_RAW]
    if len(raw) != 1 or not any(field.number == TENSOR_TYPE and field.value == FLOAT for field in fields):
        return None
    return np.frombuffer(raw[0], "<f4").astype(np.float32).reshape(_read_dims(fields))


def _shape(tensor: memoryview | None) -> tuple[int, ...] | None:
    """The sizes of a TensorProto; None: there is no such tensor."""
    return None if tensor is None else _read_dims(read_fields(tensor))


def _read_dims(fields: Iterable[Field]) -> tuple[int, ...]:
    """Each number a field of its own, or all of them one after the other in one."""
    dims: list[int] = []
    for field in fields:
        if field.number == TENSOR_DIMS:
            dims += [field.value] if isinstance(field.value, int) else read_numbers(field.value)
    return tuple(dims)


def _text_of(message: memoryview, number: int) -> str:
    return next((field.text for field in read_fields(message) if field.number == number), "")
