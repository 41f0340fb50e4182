"""Optimizers: which rule moves which weights."""

import torch
from torch import nn

from course_utils.training.config import TrainingConfig
from course_utils.training.muon import StackedMuon


def parameter_groups(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Sort a model's trainable parameters by what they are.

    Returns:
        hidden: the matrices inside the layers (q, k, v, o, gate, up, down). Each maps one vector to another, so its
            gradient is a direction in the space of matrices.
        lookup: the embedding and the output head; one matrix if they are tied. A row belongs to one token. As input
            it gets a gradient only where that token occurs, as output at every position; AdamW sets the step of each
            number by itself.
        scales: the norms' vectors. No weight decay applies to them: pulling a scale to 0 would switch its layer off.
    """
    groups: dict[str, list[nn.Parameter]] = {"hidden": [], "lookup": [], "scales": []}
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if parameter.dim() != 2:
            groups["scales"].append(parameter)
        elif id(parameter) in embeddings or name.endswith("head.weight"):
            groups["lookup"].append(parameter)
        else:
            groups["hidden"].append(parameter)
    return groups


def make_optimizers(model: nn.Module, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """Return the optimizers that together move every trainable parameter once.

    With optimizer="adamw", one AdamW: all matrices with weight decay, the scales without. With optimizer="muon", Muon
    takes the hidden matrices and AdamW the rest. Muon's momentum is a matrix; it makes all its singular values about
    equal before stepping, so that no direction of the layer is left behind. The step is scaled to the size that
    AdamW's would have, so that one learning rate does for both.

    Each group holds its peak learning rate as `peak_lr`, which the schedule multiplies.

    Raises:
        ValueError: the model has no trainable parameter.

    Sources: Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization"; Jordan et al. (2024), "Muon: An
    optimizer for hidden layers in neural networks"; Liu et al. (2025), "Muon is Scalable for LLM Training", for the
    scale of the step.
    """
    groups = parameter_groups(model)
    if not any(groups.values()):
        raise ValueError("model has no parameter that requires a gradient: nothing to train")
    with_muon = config.optimizer == "muon" and bool(groups["hidden"])
    decayed = groups["lookup"] if with_muon else groups["lookup"] + groups["hidden"]
    adamw_groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": groups["scales"], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = []
    if adamw_groups := [group for group in adamw_groups if group["params"]]:
        optimizers.append(torch.optim.AdamW(adamw_groups, lr=config.learning_rate, betas=config.betas, fused=True))
    if with_muon:
        rate = config.learning_rate if config.muon_learning_rate is None else config.muon_learning_rate
        optimizers.append(StackedMuon(groups["hidden"], rate, config.weight_decay, config.muon_momentum))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def set_learning_rates(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set every group's learning rate to `factor` times its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
