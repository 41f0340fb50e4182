"""A classifier head: a pretrained decoder that answers with one of a few classes in place of a next token."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.checks import whole_number
from course_utils.evaluation.scoring import in_eval_mode
from course_utils.transformer import DecoderLM
from course_utils.transformer.decoder import INITIAL_STD


class Classifier(nn.Module):
    """A decoder whose last hidden state, at the text's last token, goes through a new linear layer.

    No token looks ahead, so the last one is the only one that has seen the whole text.

    Args:
        model: the body. It is the same object afterwards, not a copy.
        n_classes: C.
        head_only: freeze the body; else whatever in it requires a gradient now is trained along with the head.
        seed: of the head's first weights.

    Raises:
        ValueError: fewer than two classes.

    Source: Radford et al. (2018), "Improving Language Understanding by Generative Pre-Training", section 3.2, without
    the language model's loss beside the classes', and without the token that they put at the end of a text.
    """

    def __init__(self, model: DecoderLM, n_classes: int, head_only: bool = True, seed: int = 0):
        super().__init__()
        n_classes = whole_number("n_classes", n_classes, least=2)
        self.body = model
        if head_only:
            self.body.requires_grad_(False)
        weight = model.embedding.weight
        self.head = nn.Linear(model.config.d_model, n_classes, device=weight.device)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.copy_(INITIAL_STD * torch.randn(self.head.weight.shape, generator=generator))
            self.head.bias.zero_()

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits of the classes, (B, C) in float32.

        Args:
            ids: (B, T) token ids, shorter texts padded on the right by anything: no real token sees what comes later.
            lengths: (B,) number of real tokens of each text.

        Raises:
            ValueError: a length outside 1 .. T, or as the body's `forward`.
        """
        if lengths.shape != ids.shape[:1] or int(lengths.min()) < 1 or int(lengths.max()) > ids.shape[1]:
            raise ValueError(
                f"lengths must be {len(ids)} whole numbers in 1 .. {ids.shape[1]} for ids of {tuple(ids.shape)}, "
                f"got {lengths.tolist()}"
            )
        states = self.body.hidden_states(ids)  # (B, T, d)
        last = states[torch.arange(len(ids), device=ids.device), lengths - 1]  # (B, d)
        return self.head(last.float())  # (B, d) -> (B, C)


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return token ids (B, T), padded on the right by 0, and the lengths (B,) of the rows.

    Raises:
        ValueError: no row, or an empty one, named.
    """
    lengths = [len(row) for row in rows]
    if not lengths or not min(lengths):
        place = f"row {lengths.index(0)} of {len(lengths)} is empty" if lengths else "got none"
        raise ValueError(f"rows must each hold at least one token, {place}: leave empty texts out")
    longest = max(lengths)
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows]), torch.tensor(lengths)


def classification_loss(classifier: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Return the mean nats of the true classes of a batch: ids (B, T), lengths (B,) and classes (B,)."""
    ids, lengths, classes = batch
    return F.cross_entropy(classifier(ids, lengths), classes)


@torch.no_grad()
def accuracy(
    classifier: nn.Module, rows: Sequence[Sequence[int]], classes: Sequence[int], batch_size: int = 64
) -> float:
    """Return the share of texts whose most probable class is the true one; of equal ones the first counts.

    Args:
        classifier: `classifier(ids (B, T), lengths (B,)) -> logits (B, C)`, on the CPU or a GPU.
        rows: token ids of each text.
        classes: the true ones, as many.
        batch_size: texts at a time.

    Raises:
        ValueError: no text, an empty one, not as many classes as texts, or a batch_size below 1.
    """
    if len(rows) != len(classes) or not len(rows):
        raise ValueError(
            f"accuracy needs a class for each text and a text at least, got {len(classes)} for {len(rows)}"
        )
    batch_size = whole_number("batch_size", batch_size, least=1)
    if empty := [number for number, row in enumerate(rows) if not len(row)]:
        raise ValueError(f"rows must each hold at least one token, the rows {empty[:10]} are empty: leave them out")
    device = next((weight.device for weight in classifier.parameters()), torch.device("cpu"))
    by_length = sorted(range(len(rows)), key=lambda i: len(rows[i]))  # texts of like length share a batch
    right = 0
    with in_eval_mode(classifier):
        for start in range(0, len(rows), batch_size):
            chosen = by_length[start : start + batch_size]
            ids, lengths = padded([rows[i] for i in chosen])
            answers = classifier(ids.to(device), lengths.to(device)).argmax(dim=-1).tolist()
            right += sum(answer == int(classes[i]) for answer, i in zip(answers, chosen, strict=True))
    return right / len(rows)
