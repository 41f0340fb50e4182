"""Weights for small test models."""

import torch


def randomised(model):
    """Larger random weights than an untrained model has, so that every part matters to the logits."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter.data, mean=1.0 if parameter.dim() == 1 else 0.0, std=0.3)
    return model.eval()
