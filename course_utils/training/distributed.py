"""Several processes, one training: who am I, and how is the model shared among us.

Started by torchrun, every process runs the same program. Data parallelism (DDP) keeps the whole model in each and
averages the gradients; sharding (FSDP2) also splits weights, gradients and optimizer state, and gathers one block's
weights when they are needed. Both see the same global batch as one process would, so the losses are the same.

Sources: Li et al. (2020), "PyTorch Distributed: Experiences on Accelerating Data Parallel Training"; Zhao et al.
(2023), "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel".
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from course_utils.device import multiplies, settle

FAREWELL = 0.2  # seconds
LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells its processes


@dataclass(frozen=True)
class Processes:
    """The processes that train together: this one's number, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the one process that prints and writes."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes."""
        return self._reduced(tensor, dist.ReduceOp.SUM) if self.size > 1 else tensor

    def largest(self, tensor: Tensor) -> Tensor:
        """Return the largest value of each element over all processes."""
        return self._reduced(tensor, dist.ReduceOp.MAX) if self.size > 1 else tensor

    def concatenated(self, tensor: Tensor) -> Tensor:
        """Return the tensors (n,) of all processes one after the other; n may differ between them."""
        if self.size == 1:
            return tensor
        lengths = torch.zeros(self.size, dtype=torch.int64)
        lengths[self.rank] = len(tensor)
        ends = self.sum(lengths).cumsum(0).tolist()
        result = tensor.new_zeros(ends[-1])
        result[ends[self.rank] - len(tensor) : ends[self.rank]] = tensor
        return self.sum(result)

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            dist.barrier()

    def _reduced(self, tensor: Tensor, operation: dist.ReduceOp.RedOpType) -> Tensor:
        where = torch.device("cuda") if dist.get_backend() == "nccl" else tensor.device
        result = tensor.to(where, copy=True)
        dist.all_reduce(result, operation)
        return result.to(tensor.device)


def current_processes() -> Processes:
    """Return the processes of a running process group, or this one alone."""
    return Processes(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Processes()


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the group that torchrun started, if it did; leave it at the end.

    RANK alone, as some schedulers set it, starts no group: all of LAUNCHED must be there.

    Args:
        device: where this process would compute if it were alone.

    Yields:
        The device of this process: with CUDA, the GPU that torchrun's LOCAL_RANK numbers.
    """
    if not os.environ.keys() >= set(LAUNCHED):
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cpu":  # each measures it, and processes that compute differently would drift apart
        emulated = torch.tensor(float(not multiplies(torch.bfloat16, device)))
        settle(torch.bfloat16, not current_processes().largest(emulated))
    try:
        yield device
    finally:
        time.sleep(FAREWELL)  # gloo's thread needs Python's lock to let go of its last tensor, or the end never comes
        dist.destroy_process_group()


def parallel(model: nn.Module, shard: bool, compile: bool) -> nn.Module:
    """Return what computes the logits in a training step; its parameters stay those of `model`.

    Args:
        model: the plain model, the same weights in every process.
        shard: split the weights too (FSDP2), in place, a block of `model.layers` at a time.
        compile: let torch.compile fuse the model's operations.
    """
    device = next(model.parameters()).device
    if shard and dist.is_initialized():
        from torch.distributed.device_mesh import init_device_mesh  # here, as they load more than all else together
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        for block in model.get_submodule("layers").children():
            fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)
    fused = cast(nn.Module, torch.compile(model)) if compile else model
    if dist.is_initialized() and not shard:
        return DistributedDataParallel(fused, device_ids=[device.index] if device.type == "cuda" else None)
    return fused


@contextmanager
def averaging_gradients(model: nn.Module, now: bool) -> Iterator[None]:
    """Average the gradients over the processes in this backward pass, or leave it to a later micro-batch.

    Args:
        model: what `parallel` returned.
        now: False in every micro-batch but the last.
    """
    if set_average := getattr(model, "set_requires_gradient_sync", None):  # of FSDP2
        set_average(now)
    with model.no_sync() if isinstance(model, DistributedDataParallel) and not now else nullcontext():
        yield


# A sharded tensor is a torch.distributed.tensor.DTensor. It is known by its methods, since importing that class takes
# a second that a run on one process doesn't need.


def full_tensor(tensor: Tensor) -> Tensor:
    """Return a tensor in one piece; a sharded one is gathered, so every process must call this."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def full_state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by name in one piece and on the CPU; every process must call this."""
    return {name: full_tensor(tensor.detach()).cpu() for name, tensor in tensors.items()}


def local_tensor(tensor: Tensor) -> Tensor:
    """Return what this process holds of a tensor: a piece if it is sharded, else all of it."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def distribute_like(tensor: Tensor, reference: Tensor) -> Tensor:
    """Return a full tensor on the device of a reference, and sharded like it if they have one shape."""
    tensor = tensor.to(reference.device)
    if tensor.shape != reference.shape or not (hasattr(reference, "device_mesh") and hasattr(reference, "placements")):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = reference.device_mesh, reference.placements
    return distribute_tensor(tensor, mesh, placements, src_data_rank=None)  # every process has it: cut, don't send
