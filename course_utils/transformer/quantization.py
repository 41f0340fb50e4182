"""Make a model ready to answer from fewer bits: its matrices are kept in sixteen, eight or four bits a weight."""

from course_utils.transformer.decoder import DecoderLM
from course_utils.transformer.linear import Adapted, Rows
from course_utils.transformer.quantized import STACKS, quantized_layers

# matrices of a layer that multiply the same vectors, and so can be one
MATRICES = (
    ("attention", ("q", "k", "v")),
    ("attention", ("o",)),
    ("feed_forward", ("gate", "up")),
    ("feed_forward", ("down",)),
)


def quantize(model: DecoderLM, kind: str) -> DecoderLM:
    """Keep the matrices of each layer in fewer bits, in place; return the model, for inference only.

    Beside matrices in four bits the output layer is kept in eight, as in the packaged file, for in four it alone would
    cost SmolLM2 6 % of its perplexity. The embedding stays as it is: looking up a row of it costs nothing.

    Args:
        model: on the CPU.
        kind: "float16"; "int8", with a scale for each row; or "int4", with a scale and an offset for each 32 weights of
            a row.

    Raises:
        ValueError: another kind; the model isn't on the CPU, or quantised already; it has adapters; a matrix of a size
            that four bits don't take; float16 on a processor that has no product for it; a weight too large for
            float16, or no number.
    """
    if kind not in STACKS:
        raise ValueError(f"quantization must be one of {', '.join(STACKS)} or None, got {kind!r}")
    if model.embedding.weight.device.type != "cpu":
        raise ValueError(f"quantization={kind!r} works on the CPU, the model is on {model.embedding.weight.device}")
    if isinstance(model.head, Rows):
        raise ValueError("the model is quantised already: load it again to quantise it another way")
    if any(isinstance(module, Adapted) for module in model.modules()):
        raise ValueError("the model has adapters: quantise it first, then add them; or merge and remove them")
    modules = [(getattr(block, part), names) for block in model.layers for part, names in MATRICES]
    narrow = [quantized_layers([getattr(module, name).weight for name in names], kind) for module, names in modules]
    output = model.get_parameter("embedding.weight" if model.head is None else "head.weight")
    (head,) = quantized_layers([output], "int8" if kind == "int4" else kind)
    for (module, names), layers in zip(modules, narrow, strict=True):  # only once all of them are there
        for name, layer in zip(names, layers, strict=True):
            setattr(module, name, layer)
    model.head = head
    return model.requires_grad_(False).eval()
