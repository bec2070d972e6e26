"""The network of `training.py` in PyTorch, trained and timed; in `.venv-peers` only.

    .venv-peers/bin/python scripts/benchmarks/peers_torch.py INPUTS.npz OPTIONS

Started by `peers.start`: reads one JSON object a line and answers with one line of JSON. It is
what a PyTorch user would write with care: a dense Conv1d with padding on the left, batches padded
to their longest play by a DataLoader, tensors made beforehand, no autograd when scoring, and the
head of gluonts with the training loss that it has by default.

Legend: B examples, C channels, T frames, S static facts.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from gluonts.torch.distributions.spliced_binned_pareto import SplicedBinnedPareto
from peers_operators import count_kernels, count_operators  # type: ignore[import-not-found]
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812, the name everyone uses
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Subset

Play = tuple[Tensor, Tensor, Tensor]  # frames (T, C), static facts (S,), target ()
Padded = tuple[Tensor, Tensor, Tensor, Tensor]  # frames (B, C, T), lengths, statics, targets

MOST_SHAPE = 0.95
SHAPE_OFFSET = math.log(0.1 / 0.85)  # a shape of 0.1 to begin with, as ours
LEAST_SCALE = 1e-3  # of the scale at the start
LEAST_CELL = 1e-6  # their cdf is a float32 near 1


def begin(layer: Any, variance: float) -> Any:
    """Normal weights of variance ``variance / fan_in`` and biases of 0, as ours start."""
    nn.init.normal_(layer.weight, std=math.sqrt(variance / layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    """Two weight-normalised causal convolutions with channel dropout, beside a shortcut."""

    def __init__(self, inputs: int, features: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.left = 2 * dilation
        first = nn.Conv1d(inputs, features, 3, dilation=dilation)
        second = nn.Conv1d(features, features, 3, dilation=dilation)
        self.first, self.second = (weight_norm(begin(conv, 2.0)) for conv in (first, second))
        same = inputs == features
        shortcut = nn.Conv1d(inputs, features, 1, bias=False)
        self.shortcut = nn.Identity() if same else begin(shortcut, 1.0)
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to (B, D, T)."""
        h = self.drop(F.relu(self.first(F.pad(x, (self.left, 0)))))
        h = self.drop(F.relu(self.second(F.pad(h, (self.left, 0)))))
        return self.shortcut(x) + h


class Network(nn.Module):
    """TCN read at the last frame, joined with the facts, through a perceptron."""

    def __init__(
        self,
        columns: int,
        statics: int,
        outputs: int,
        *,
        features: int,
        layers: int,
        hidden: list[int],
        dropout: float,
        encoder_dropout: float,
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *(
                Block(columns if i == 0 else features, features, 2**i, encoder_dropout)
                for i in range(layers)
            )
        )
        self.drop = nn.Dropout(dropout)
        widths: list[int] = [features + statics, *hidden]
        parts: list[nn.Module] = []
        for inputs, width in pairwise(widths):
            dense = begin(nn.Linear(inputs, width), 1.0)
            parts += [dense, nn.GELU(approximate="tanh"), nn.Dropout(dropout)]
        self.head = nn.Sequential(*parts, begin(nn.Linear(widths[-1], outputs), 0.01))

    def forward(self, x: Tensor, lengths: Tensor, static: Tensor) -> Tensor:
        """Raw outputs (B, P)."""
        last = self.encoder(x)[torch.arange(len(x), device=x.device), :, lengths - 1]
        return self.head(torch.cat([self.drop(last), static], 1))


def collate(plays: list[Play]) -> Padded:
    """Pad to the longest of the batch."""
    frames, static, target = zip(*plays, strict=True)
    padded = pad_sequence(frames, batch_first=True).transpose(1, 2).contiguous()
    return padded, torch.tensor([len(x) for x in frames]), torch.stack(static), torch.stack(target)


def split(inputs: dict[str, np.ndarray], name: str) -> list[Play]:
    """The plays of one set, every one a tensor of its own."""
    frames = torch.from_numpy(inputs[f"{name}_frames"])
    static = torch.from_numpy(inputs[f"{name}_static"])
    target = torch.from_numpy(inputs[f"{name}_target"])
    parts = frames.split(inputs[f"{name}_lengths"].tolist())
    return [(x.clone(), s, y) for x, s, y in zip(parts, static, target, strict=True)]


class Peer:
    """One training run, and what can be asked of it."""

    def __init__(self, inputs: dict[str, np.ndarray], options: dict[str, Any]) -> None:
        self.train, self.valid = split(inputs, "train"), split(inputs, "valid")
        self.options = options
        self.device = torch.device(options.get("device", "cpu"))
        torch.set_float32_matmul_precision("high")  # on a GPU through TF32, as JAX does unasked
        self.restart()

    def restart(self, *, compiled: bool = False) -> dict[str, Any]:
        """Fresh parameters, and AdamW under the warm-up and cosine decay that ours has."""
        torch.manual_seed(0)
        options, (frames, static, _) = self.options, self.train[0]
        bins = options["bins"]
        net = Network(frames.shape[1], len(static), bins + 4, **options["network"])
        self.net: Any = net.to(self.device)
        weights = [p for p in self.net.parameters() if p[0].numel() > 1]
        others = [p for p in self.net.parameters() if p[0].numel() == 1]  # biases and lengths
        groups = [
            {"params": weights, "weight_decay": options["weight_decay"]},
            {"params": others, "weight_decay": 0.0},
        ]
        # Steps on lists of tensors, as PyTorch takes them by default on a GPU, are slower here.
        self.foreach = bool(options.get("foreach", self.device.type == "cuda"))
        self.optimizer = torch.optim.AdamW(groups, options["learning_rate"], foreach=self.foreach)
        warmup, total = options["warmup_steps"], options["total_steps"]

        def scale(step: int) -> float:
            if step < warmup:
                return step / warmup
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / (total - warmup))))

        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, scale)
        if compiled:
            self.net = torch.compile(self.net, dynamic=True)
        return {
            "parameters": sum(p.numel() for p in self.net.parameters()),
            "torch": torch.__version__,
        }

    def law(self, raw: Tensor) -> SplicedBinnedPareto:
        """Their distribution, its parameters bounded as ours are."""
        bins, low, high = (self.options[name] for name in ("bins", "low", "high"))
        mass = self.options["tail_mass"]
        tails = raw[:, bins:]
        # Parameters of tails carry a trailing axis of length 1 there.
        shapes = (MOST_SHAPE * torch.sigmoid(tails[:, :2] + SHAPE_OFFSET)).split(1, dim=1)
        positive = F.softplus(tails[:, 2:]) / math.log(2) + LEAST_SCALE
        scales = (mass * (high - low) * positive).split(1, dim=1)
        upper, lower = zip(shapes, scales, strict=True)
        logits = raw[:, :bins]
        return SplicedBinnedPareto(low, high, logits, *upper, *lower, bins, mass)

    def loader(self, plays: Any, workers: int, *, shuffle: bool) -> DataLoader:
        """Batches as a DataLoader gives them; in training the last, smaller one is left out."""
        return DataLoader(
            plays,
            batch_size=self.options["batch_size"],
            shuffle=shuffle,
            drop_last=shuffle,
            num_workers=workers,
            collate_fn=collate,
        )

    def batches(
        self, plays: Any, workers: int, *, shuffle: bool, resident: bool = False
    ) -> Iterable[Padded]:
        """Batches on the device; with ``resident`` all of them, before the first is asked for."""
        loader = self.loader(plays, workers, shuffle=shuffle)
        moved = (tuple(part.to(self.device) for part in batch) for batch in loader)
        return list(moved) if resident else moved

    def step(self, batch: Padded) -> None:
        """One step of the optimizer."""
        x, lengths, static, y = batch
        loss = -self.law(self.net(x, lengths, static)).log_prob(y).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0, foreach=self.foreach)
        self.optimizer.step()
        self.schedule.step()

    def epoch(
        self, workers: int, plays: int | None = None, *, resident: bool = False
    ) -> dict[str, Any]:
        """Train on all plays, or on the first few, once; seconds, steps and plays seen."""
        self.net.train()
        chosen = self.train if plays is None else Subset(self.train, range(plays))
        seen, steps = 0, 0
        start = time.perf_counter()
        batches = self.batches(chosen, workers, shuffle=True, resident=resident)
        if resident:
            self.wait()
            start = time.perf_counter()
        for batch in batches:
            self.step(batch)
            seen, steps = seen + len(batch[-1]), steps + 1
        self.wait()
        return {"seconds": time.perf_counter() - start, "plays": seen, "steps": steps}

    def wait(self) -> None:
        """Until the device has done what it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def operators(self, *, compiled: bool = False) -> dict[str, Any]:
        """What a step starts, and with ``compiled`` also if the network is; in `peers_operators`.

        Compiled is the network alone, which takes minutes: law and optimizer stay as they are.
        """
        self.net.train()
        (batch, *_) = self.batches(self.train, 0, shuffle=True)
        found = count_operators(lambda: self.step(batch))
        if not compiled:
            return found
        inputs, network = batch[:-1], torch.compile(self.net)
        alone = count_operators(lambda: self.net(*inputs).sum().backward())
        kernels = count_kernels(lambda: network(*inputs))
        return found | {"compiled": found["total"] - alone["total"] + kernels}

    def score(self, workers: int) -> dict[str, Any]:
        """The distribution function at the target of all validation plays."""
        self.net.eval()
        seen, start = 0, time.perf_counter()
        with torch.inference_mode():
            for x, lengths, static, y in self.batches(self.valid, workers, shuffle=False):
                self.law(self.net(x, lengths, static)).cdf(y)
                seen += len(y)
        self.wait()
        return {"seconds": time.perf_counter() - start, "plays": seen}

    def validate(self) -> dict[str, Any]:
        """Mean negative log probability of the target's whole yard, in nats."""
        self.net.eval()
        losses = []
        with torch.inference_mode():
            for x, lengths, static, y in self.batches(self.valid, 0, shuffle=False):
                law = self.law(self.net(x, lengths, static))
                cell = law.cdf(y + 0.5).double() - law.cdf(y - 0.5).double()
                losses.append(-torch.log(cell.clamp_min(LEAST_CELL)))
        return {"score": float(torch.cat(losses).mean())}


if __name__ == "__main__":
    peer = Peer(dict(np.load(sys.argv[1])), json.loads(sys.argv[2]))
    functions: dict[str, Callable[..., Any]] = {
        "restart": peer.restart,
        "epoch": peer.epoch,
        "score": peer.score,
        "validate": peer.validate,
        "operators": peer.operators,
    }
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(functions[asked["function"]](**asked["options"])), flush=True)
