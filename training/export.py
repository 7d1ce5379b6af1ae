"""Steps 4, 7, 9 and 15: the averaged weights of a run as one ONNX file, opset 17, weights stored in half precision.

Half precision is storage only: a Cast follows every large constant, ONNX Runtime folds it when the session is made, and
all arithmetic stays in float32. Batch normalisation and input scaling are folded into the convolutions.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from recognizer.stages.checks import INPUT_SIDE
from recognizer.stages.landmarks import CUT_SIDE
from training.checks import CheckNet, ExportedChecks
from training.detector import OUTPUT_NAMES, ExportedDetector, StarterDetector
from training.embedder import INPUT_SIZE, ExportedEmbedder, StarterEmbedder
from training.landmarks import ExportedLandmarks, LandmarkNet

OPSET = 17
LARGE = 64  # constants with more numbers than this are stored in half precision


def load_average(model: nn.Module, run: Path) -> nn.Module:
    """The exponentially averaged weights of the run's checkpoint, in evaluation mode."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    model.load_state_dict(state["average"])
    return model.eval()


def store_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace large float32 constants by float16 ones and a Cast."""
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size <= LARGE:
            kept.append(tensor)
            continue
        stored = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(casts + nodes)
    return model


def shorten_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give nodes no names and inner values short ones: in a file this small, names are a tenth of it."""
    graph = model.graph
    kept = {value.name for value in [*graph.input, *graph.output]}
    names: dict[str, str] = {"": ""}

    def short(name: str) -> str:
        return name if name in kept else names.setdefault(name, f"v{len(names)}")

    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        node.name, node.doc_string = "", ""
        node.input[:] = [short(name) for name in node.input]
        node.output[:] = [short(name) for name in node.output]
    del graph.value_info[:]
    return model


def export_model(
    model: nn.Module,
    example: torch.Tensor,
    target: Path,
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    about: str,
) -> None:
    torch.onnx.export(
        model,
        (example,),
        target,
        input_names=["input"],
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=OPSET,
        do_constant_folding=True,
        dynamo=False,
    )
    stored = shorten_names(store_in_half(onnx.load(target)))
    stored.producer_name, stored.producer_version, stored.doc_string = "facesite training", "1", about
    onnx.checker.check_model(stored, full_check=True)
    onnx.save(stored, target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: {target.stat().st_size} bytes, sha256 {digest}")


def export_embedder(run: Path, target: Path, *, mirror: bool) -> None:
    recipe = json.loads((run / "recipe.json").read_text())
    size = recipe["stages"][-1][1]
    model = ExportedEmbedder(load_average(StarterEmbedder(), run), size, mirror=mirror).eval()  # type: ignore[arg-type]
    axes = {"input": {0: "batch"}, "embedding": {0: "batch"}}
    about = "facesite starter embedder: N,3,112,112 RGB (x-127.5)/127.5, ArcFace template; cosine after L2"
    export_model(model, torch.zeros(2, 3, INPUT_SIZE, INPUT_SIZE), target, ["embedding"], axes, about)


def export_detector(run: Path, target: Path) -> None:
    model = ExportedDetector(load_average(StarterDetector(), run)).eval()  # type: ignore[arg-type]
    axes = {name: {0: "batch", 1: "cells"} for name in OUTPUT_NAMES}
    axes["input"] = {0: "batch", 2: "height", 3: "width"}
    about = "facesite starter detector: N,3,H,W BGR 0..255, H and W multiples of 32; YuNet's outputs"
    export_model(model, torch.zeros(1, 3, 320, 320), target, list(OUTPUT_NAMES), axes, about)


def export_landmarks(run: Path, target: Path) -> None:
    model = ExportedLandmarks(load_average(LandmarkNet(), run)).eval()  # type: ignore[arg-type]
    axes = {"input": {0: "faces"}, "landmarks": {0: "faces"}}
    about = "facesite starter landmarks: N,3,64,64 BGR 0..255, upright cut; x, y of five landmarks in its pixels"
    export_model(model, torch.zeros(2, 3, CUT_SIDE, CUT_SIDE), target, ["landmarks"], axes, about)


def export_checks(run: Path, target: Path) -> None:
    model = ExportedChecks(load_average(CheckNet(), run)).eval()  # type: ignore[arg-type]
    axes = {"input": {0: "faces"}, "answers": {0: "faces"}}
    about = "facesite checks: N,3,56,56 BGR 0..255, aligned crop at half its sides; shares of turned, mouth covered"
    export_model(model, torch.zeros(2, 3, INPUT_SIDE, INPUT_SIDE), target, ["answers"], axes, about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["embedder", "detector", "landmarks", "checks"])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--mirror", action="store_true", help="embedder: average with the mirror image's embedding")
    arguments = parser.parse_args()
    if arguments.kind == "embedder":
        export_embedder(arguments.run, arguments.target, mirror=arguments.mirror)
    elif arguments.kind == "detector":
        export_detector(arguments.run, arguments.target)
    elif arguments.kind == "checks":
        export_checks(arguments.run, arguments.target)
    else:
        export_landmarks(arguments.run, arguments.target)


if __name__ == "__main__":
    main()
