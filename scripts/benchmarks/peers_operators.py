"""What PyTorch starts in a step: operators one by one, and kernels where it compiles them.

In `.venv-peers` only; imported by `peers_torch.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode

_FETCH = "_local_scalar_dense"  # of a number to Python: of the optimizer's counters, on the host

# What the compiler leaves to libraries, and numbers that it draws as PyTorch does.
_LIBRARY = (
    "aten::mm",
    "aten::addmm",
    "aten::convolution",
    "aten::convolution_backward",
    "aten::bernoulli_",
)


class Operators(TorchDispatchMode):
    """Counts, below autograd, the operators that compute something: views are none."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count, and do it."""
        del types
        if not func.is_view and func.overloadpacket.__name__ != _FETCH:
            self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def count_operators(step: Callable[[], None]) -> dict[str, Any]:
    """Operators of a step, one after the other: how many, and the commonest.

    An operator is a kernel or several; one on a list of tensors (``_foreach_...``), which is what
    an optimizer uses on a GPU, counts once.
    """
    step()  # the first one makes the optimizer's state
    with Operators() as operators:
        step()
    return {"total": operators.counts.total(), "commonest": operators.counts.most_common(8)}


def count_kernels(function: Callable[[], torch.Tensor]) -> int:
    """Kernels of a compiled function and its derivative, those of libraries included.

    They are counted as compiled for this machine's processor; a GPU's may be fused otherwise.
    """
    from torch._inductor import metrics  # none where PyTorch cannot compile

    metrics.reset()
    function().sum().backward()  # compiles
    generated = int(metrics.generated_kernel_count)
    with profile() as events:
        function().sum().backward()
    return generated + sum(event.name in _LIBRARY for event in events.events())
