"""The ONNX graph of all-MiniLM-L6-v2 over its safetensors: BERT (arXiv 1810.04805), mean pooling, unit length.

Six post-norm encoder layers, 12 heads of 32. Exact to float32 rounding against sentence-transformers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

LAYERS, HEADS, HEAD_WIDTH, WIDTH = 6, 12, 32, 384
LAYER_NORM_EPSILON = 1e-12
MASKED = 1e9
OPSET, IR_VERSION = 20, 10


def minilm_model(safetensors: Path) -> tuple[bytes, dict[str, NDArray[np.float32]]]:
    """The graph as serialised ONNX, and the weights by the name it expects them under.

    Inputs are `ids` and `mask`, int64 of shape (batch, tokens); the output is `vectors`, float32 (batch, 384).
    """
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    graph = _Graph(load_file(safetensors))
    mask = graph.op("Cast", ["mask"], to=TensorProto.FLOAT)
    hidden = graph.embeddings()
    offset = graph.attention_offset(mask)
    for layer in range(LAYERS):
        hidden = graph.layer(f"encoder.layer.{layer}.", hidden, offset)
    graph.pooled(hidden, mask)
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "mask")]
    outputs = [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", WIDTH])]
    constants = [numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    constants += [_declared(name, array.shape) for name, array in graph.parameters.items()]
    made = helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    serialised: bytes = model.SerializeToString()
    return serialised, graph.parameters


def _declared(name: str, shape: Sequence[int]) -> TensorProto:
    """A float32 tensor whose values the session gets from memory: 90 MB need not be copied into the model."""
    from onnx import TensorProto

    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="memory")
    return tensor


class _Graph:
    """Collects nodes and constants; each method adds a block and returns the name of its output."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.parameters: dict[str, NDArray[np.float32]] = {}

    def op(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants[name] = value
        return name

    def parameter(self, name: str, value: NDArray[np.float32]) -> str:
        self.parameters[name] = np.ascontiguousarray(value)
        return name

    def integers(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, dtype=np.int64))

    def integer(self, name: str, value: int) -> str:
        return self.constant(name, np.array(value, dtype=np.int64))

    def linear(self, inputs: str, name: str) -> str:
        weight = self.parameter(f"{name}.weight", self.weights[f"{name}.weight"].T)
        bias = self.parameter(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.op("Add", [self.op("MatMul", [inputs, weight]), bias])

    def norm(self, inputs: str, name: str) -> str:
        scale, bias = (self.parameter(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.op("LayerNormalization", [inputs, scale, bias], axis=-1, epsilon=LAYER_NORM_EPSILON)

    def embeddings(self) -> str:
        table = "embeddings."
        words = self.parameter("words", self.weights[f"{table}word_embeddings.weight"])
        first_type = self.weights[f"{table}token_type_embeddings.weight"][0]
        positions = self.parameter("positions", self.weights[f"{table}position_embeddings.weight"] + first_type)
        length = self.op("Gather", [self.op("Shape", ["ids"]), self.integer("one", 1)])
        where = self.op("Range", [self.integer("zero", 0), length, "one"])
        total = self.op("Add", [self.op("Gather", [words, "ids"]), self.op("Gather", [positions, where])])
        return self.norm(total, f"{table}LayerNorm")

    def attention_offset(self, mask: str) -> str:
        """0 where a token may be attended to, -1e9 where it is padding; shape (batch, 1, 1, tokens)."""
        wide = self.op("Unsqueeze", [mask, self.integers("heads_and_queries", 1, 2)])
        below = self.op("Sub", [wide, self.constant("unit", np.array(1, dtype=np.float32))])
        return self.op("Mul", [below, self.constant("masked", np.array(MASKED, dtype=np.float32))])

    def heads(self, hidden: str, name: str, order: Sequence[int]) -> str:
        split = self.integers("split", 0, 0, HEADS, HEAD_WIDTH)
        return self.op("Transpose", [self.op("Reshape", [self.linear(hidden, name), split])], perm=list(order))

    def attention(self, prefix: str, hidden: str, offset: str) -> str:
        query = self.heads(hidden, f"{prefix}self.query", (0, 2, 1, 3))
        key = self.heads(hidden, f"{prefix}self.key", (0, 2, 3, 1))
        value = self.heads(hidden, f"{prefix}self.value", (0, 2, 1, 3))
        scale = self.constant("scale", np.array(HEAD_WIDTH**-0.5, dtype=np.float32))
        scores = self.op("Mul", [self.op("MatMul", [query, key]), scale])
        weights = self.op("Softmax", [self.op("Add", [scores, offset])], axis=-1)
        mixed = self.op("Transpose", [self.op("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        return self.linear(self.op("Reshape", [mixed, self.integers("merge", 0, 0, WIDTH)]), f"{prefix}output.dense")

    def layer(self, prefix: str, hidden: str, offset: str) -> str:
        attended = self.op("Add", [self.attention(f"{prefix}attention.", hidden, offset), hidden])
        middle = self.norm(attended, f"{prefix}attention.output.LayerNorm")
        wide = self.op("Gelu", [self.linear(middle, f"{prefix}intermediate.dense")])
        return self.norm(
            self.op("Add", [self.linear(wide, f"{prefix}output.dense"), middle]), f"{prefix}output.LayerNorm"
        )

    def pooled(self, hidden: str, mask: str) -> None:
        weights = self.op("Unsqueeze", [mask, self.integers("width", 2)])
        total = self.op("ReduceSum", [self.op("Mul", [hidden, weights]), self.integers("tokens", 1)], keepdims=0)
        mean = self.op("Div", [total, self.op("ReduceSum", [mask, "tokens"], keepdims=1)])
        self.op("LpNormalization", [mean], "vectors", axis=1, p=2)
