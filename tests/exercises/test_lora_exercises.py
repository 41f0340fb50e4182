"""Exercises of notebook 14: other right answers, peft's numbers, and the law behind the start."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from verdicts import right, wrong

from course_utils.exercises import lora as exercises

# a layer, and its merged weight


@right(exercises.lora_layer)
def test_a_layer_by_its_merged_matrix(x, w, a, b, alpha):
    rank, _ = b.shape
    return torch.einsum("...n,nd->...d", x, w + alpha / rank * a @ b)


@right(exercises.lora_layer)
def test_a_layer_direction_by_direction(x, w, a, b, alpha):
    h = x @ w
    for column, row in zip(a.T, b, strict=True):
        h = h + (x @ column)[..., None] * row * alpha / len(b)
    return h


@wrong(exercises.lora_layer, "not a float tensor of shape (1, 2): torch.tensor(...) makes one")
def test_a_layer_in_numpy(x, w, a, b, alpha):
    return x.numpy() @ w.numpy() + x.numpy() @ a.numpy() @ b.numpy() * alpha / len(b)


test_a_layer_with_linears_layout = wrong(exercises.lora_layer, "W is transposed")(
    lambda x, w, a, b, alpha: nn.functional.linear(x, w) + x @ a @ b * alpha / len(b)
)


@right(exercises.merged_weight)
def test_a_merged_weight_from_the_lectures_layout(weight, lora_a, lora_b, alpha):
    rank = lora_b.shape[1]
    return (weight.T + lora_a.T @ lora_b.T * alpha / rank).T


@right(exercises.merged_weight)
def test_a_merged_weight_in_numpy_and_back(weight, lora_a, lora_b, alpha):
    merged = weight.numpy() + np.einsum("dr,rn->dn", lora_b, lora_a) * alpha / len(lora_a)
    return torch.from_numpy(merged)


@wrong(exercises.merged_weight, "changed its input weight in place")
def test_a_merged_weight_added_in_place(weight, lora_a, lora_b, alpha):
    weight += lora_b @ lora_a * alpha / len(lora_a)
    return weight


def test_layer_and_merged_weight_are_pefts():
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(6, 5, bias=False))
    weight = base[0].weight.detach().clone()
    model = get_peft_model(base, LoraConfig(r=3, lora_alpha=7, target_modules=["0"]))
    layer = model.base_model.model[0]
    a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    nn.init.normal_(b)
    x = torch.randn(2, 4, 6)
    with torch.inference_mode():
        torch.testing.assert_close(exercises.lora_layer.reference(x, weight.T, a.T, b.T, 7), model(x))
        merged = exercises.merged_weight.reference(weight, a, b, 7)
        torch.testing.assert_close(merged, model.merge_and_unload()[0].weight)


# counting


@right(exercises.adapter_parameters)
def test_parameters_by_tensors(n_layers, d_model, n_heads, n_kv_heads, d_ff, rank, targets):
    kept = d_model * n_kv_heads // n_heads
    sides = {"q": (d_model, d_model), "k": (d_model, kept), "v": (d_model, kept), "o": (d_model, d_model)}
    sides |= {"gate": (d_model, d_ff), "up": (d_model, d_ff), "down": (d_ff, d_model)}
    meta = [torch.empty(shape, device="meta") for n, d in map(sides.get, targets) for shape in ((n, rank), (rank, d))]
    return sum(matrix.numel() for _ in range(n_layers) for matrix in meta)


@right(exercises.adapter_parameters)
def test_parameters_in_numpy(n_layers, d_model, n_heads, n_kv_heads, d_ff, rank, targets):
    kept = d_model // n_heads * n_kv_heads
    sums = dict(zip("qkvo", d_model + np.array([d_model, kept, kept, d_model]), strict=True))
    return n_layers * rank * sum(sums.get(name, d_model + d_ff) for name in targets)


test_parameters_as_a_float = wrong(exercises.adapter_parameters, "returned a float, not an int")(
    lambda *args: exercises.adapter_parameters.reference(*args) * 1.0
)


@pytest.mark.parametrize("targets", [["q", "v"], ["k", "o", "down"], ["q", "k", "v", "o", "gate", "up", "down"]])
def test_parameters_are_those_that_peft_trains(targets):
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
    )
    names = [f"{name}_proj" for name in targets]
    model = get_peft_model(LlamaForCausalLM(config), LoraConfig(r=4, target_modules=names))
    trainable, _ = model.get_nb_trainable_parameters()
    assert exercises.adapter_parameters.reference(3, 12, 6, 2, 20, 4, targets) == trainable


# the start


def trained(a, b, steps=100, rate=0.02):
    """A B after gradient descent towards a random matrix, in float64."""
    a, b = (matrix.double().requires_grad_() for matrix in (a, b))
    goal = torch.randn(len(a), b.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    for _ in range(steps):
        gradients = torch.autograd.grad(((a @ b - goal) ** 2).sum(), (a, b))
        a, b = ((p - rate * g).detach().requires_grad_() for p, g in zip((a, b), gradients, strict=True))
    return (a @ b).detach()


@right(exercises.symptom)
def test_a_start_by_trying(a, b):
    if not torch.allclose(a @ b, torch.zeros(len(a), b.shape[1])):
        return "another model"
    update = trained(a, b)
    if not update.any():
        return "never learns"
    return "lower rank" if torch.linalg.matrix_rank(update, rtol=1e-6) < a.shape[1] else "none"


@right(exercises.symptom)
def test_a_start_by_singular_values(a, b):
    if torch.any((a @ b).abs() > 1e-7):
        return "another model"
    values = np.linalg.svd(np.hstack([a.T, b]), compute_uv=False)
    if values[0] == 0:
        return "never learns"
    return "none" if values[-1] > 1e-5 * values[0] else "lower rank"


test_a_start_in_other_words = wrong(exercises.symptom, "This is LoRA's own start, and right.")(
    lambda a, b: "None" if exercises.symptom.reference(a, b) == "none" else exercises.symptom.reference(a, b)
)


# several adapters


@right(exercises.weights_served)
def test_weights_from_a_copy_kept_aside(w, updates, requests):
    kept, served = w.clone(), []
    for name in requests:
        if name is not None and name not in updates:
            raise ValueError(f"no adapter {name}")
        now = kept.clone()
        if name is not None:
            now += updates[name]
        served.append(now)
    return served


@wrong(exercises.weights_served, "changed its input w in place")
def test_weights_merged_into_the_callers_matrix(w, updates, requests):
    return [w.add_(updates[name]) if name else w for name in requests]


test_weights_of_an_unknown_name_by_key_error = wrong(exercises.weights_served, "your function raised KeyError")(
    lambda w, updates, requests: [w.clone() if name is None else w + updates[name] for name in requests]
)
