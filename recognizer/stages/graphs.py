"""Sets right in memory what published ONNX graphs carry along. The file and its sha256 stay what they are.

- Weights that are listed as inputs as well. Whoever runs the graph would have to feed those that nothing uses any more,
  and ONNX Runtime could compute nothing in advance of those that a caller might replace.
- Sizes that were fixed at export though the network takes any (a detector's picture).
- A block size beside a single scale, which ONNX allows and ONNX Runtime 1.32 refuses.
- PReLU with one slope per channel, which ONNX Runtime computes value by value in another memory layout than the
  convolutions around it. As convolution and ReLU it stays in theirs: SFace takes half the time (docs/decisions.md).

Field numbers are those of onnx.proto3, https://github.com/onnx/onnx/blob/v1.17.0/onnx/onnx.proto3.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

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
BLOCKS_OF_CHANNELS = 16
"""ONNX Runtime lays out channels in blocks of 8 or 16 on x86-64. Other numbers, and other processors, gain nothing."""


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

    @classmethod
    def read(cls, content: memoryview) -> _Node:
        fields = list(read_fields(content))

        def texts(number: int) -> list[str]:
            return [field.text for field in fields if field.number == number]

        inner = [name for field in fields if field.number == NODE_ATTRIBUTE for name in _names_inside(field.content)]
        kind = "" if any(texts(NODE_DOMAIN)) else "".join(texts(NODE_KIND))
        return cls(kind, texts(NODE_INPUT), texts(NODE_OUTPUT), inner)


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
        parts: list[bytes | memoryview] = []
        for field in self._fields:
            if field.number == GRAPH_NODE:
                node = next(nodes)
                parts += self._plain_scale(node) or self._faster(node, makers) or [field.whole]
            elif field.number == GRAPH_INPUT:
                name = _text_of(field.content, VALUE_NAME)
                if name in used and (weights_are_inputs or name not in self._weights):
                    parts.append(_of_any_size(GRAPH_INPUT, field, _PICTURE) if any_size else field.whole)
            elif any_size and field.number == GRAPH_OUTPUT:
                parts.append(_of_any_size(GRAPH_OUTPUT, field, b""))
            elif not (any_size and field.number == GRAPH_SHAPES):
                parts.append(field.whole)
        return b"".join(parts)

    def _plain_scale(self, node: _Node) -> list[bytes]:
        """A DequantizeLinear whose only scale is for the whole tensor, without attributes; empty for every other."""
        if node.kind != "DequantizeLinear" or _shape(self._weights.get(node.inputs[1])) != (1,):
            return []
        return [_write_node(node.kind, node.inputs, node.outputs[0])]

    def _faster(self, node: _Node, makers: Mapping[str, str]) -> list[bytes]:
        """A PReLU behind a convolution, in other words; empty for every other node, which stays."""
        if node.kind != "PRelu" or makers.get(node.inputs[0]) not in ("Conv", "BatchNormalization"):
            return []
        if platform.machine().lower() not in ("x86_64", "amd64"):
            return []
        slopes = _read_floats(self._weights.get(node.inputs[1]))
        if slopes is None or slopes.shape[-3:] != (slopes.size, 1, 1) or slopes.size % BLOCKS_OF_CHANNELS:
            return []
        return list(_prelu_as_convolution(node.inputs[0], node.outputs[0], slopes.ravel()))


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
    dims = b"".join(write_number(TENSOR_DIMS, size) for size in (len(factors), 1, 1, 1))
    raw = write_bytes(TENSOR_RAW, factors.astype("<f4").tobytes())
    tensor = dims + write_number(TENSOR_TYPE, FLOAT) + write_bytes(TENSOR_NAME, f"{target}/factors") + raw
    yield write_bytes(GRAPH_INITIALIZER, tensor)
    yield _write_node("Conv", [source, f"{target}/factors"], target, group=len(factors))


def _write_node(kind: str, inputs: Iterable[str], output: str, *, group: int = 0) -> bytes:
    parts = [write_bytes(NODE_INPUT, name) for name in inputs]
    parts += [write_bytes(NODE_OUTPUT, output), write_bytes(NODE_KIND, kind)]
    if group:
        value = write_number(ATTRIBUTE_INT, group) + write_number(ATTRIBUTE_TYPE, TYPE_INT)
        parts.append(write_bytes(NODE_ATTRIBUTE, write_bytes(ATTRIBUTE_NAME, "group") + value))
    return write_bytes(GRAPH_NODE, b"".join(parts))


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
