"""Stand-ins for Apple's MPS, a device without float64, on machines that have none."""

import torch
from torch.overrides import TorchFunctionMode


class OnMPS(torch.Tensor):
    """A tensor that says it is on Apple's MPS, and like one there has no float64."""

    device = property(lambda self: torch.device("mps"))

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        if function is torch.Tensor.cpu:
            return arguments[0].as_subclass(torch.Tensor)
        result = super().__torch_function__(function, types, arguments, options)
        if isinstance(result, cls) and result.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64")
        return result


class MovedToMPS(TorchFunctionMode):
    """Where tensors can be moved to MPS."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        if function is torch.Tensor.to and arguments[1] == torch.device("mps"):
            return arguments[0].as_subclass(OnMPS)
        return function(*arguments, **(options or {}))
