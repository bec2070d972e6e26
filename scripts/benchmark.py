"""How fast the parts are, each beside what it is to be compared with, in one run.

    python scripts/benchmark.py [distributions] [encoder] [mapping] [training] [parsing]
                                [tracking] [series] [accelerators] [--peers] [--plays N]
                                [--epochs N] [--tracking-plays N] [--targets ...] [--programs ...]
    python scripts/benchmark.py training --gpu [--rehearse] [--minutes N]

Medians after a warm-up, with results awaited. Shared machines are noisy: read the ratios.

- distributions: log_prob, its gradient, cdf, quantile and crps of the spliced family at batch
  4,096 x 100 bins, beside the floor of reading the logits once and exponentiating them; how long
  one play takes to compile; with --peers also the class of gluonts 0.17 on the same numbers, in
  turns with ours (the first time this installs PyTorch into .venv-peers).
- encoder: state and gradient of the TCN read at the last step, beside the dense reading.
- mapping: a training epoch under pmap, beside shard_map, on all devices.
- training: plays a second of training and scoring, with length buckets and without; share of the
  machine's roofline; seconds to a validation score; last step beside dense; simulated devices; a
  population beside as many processes; bfloat16 beside float32; with --peers the same network in
  PyTorch, in turns with ours. With --gpu instead all that is to be known of a GPU, in under ten
  minutes: 30 epochs of 50,000 plays, step time beside launches, command buffers, a population,
  PyTorch if it is there; stopped by SIGTERM it prints what it has.
- parsing: ten seasons of games into tables, without and with the cache.
- tracking: simulated raw files into a data set, beside polars merely parsing them, and back.
- series: an epoch of the paper's synthetic protocol; the detectors SPOT and DSPOT on 64 streams.
- accelerators: every training program compiled for GPUs and TPUs that are only described, and a
  step of it counted (the first time this installs the compilers into .venv-accelerators); most of
  an hour on one core, and therefore not done unless asked for.
"""

import os

# Parts that are processes of their own need a GPU's memory, too; it is given to them below.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from benchmarks import peers

from sbp_jax.batch import Batch
from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.errors import SbpJaxError, SettingError
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.tcn import TCN
from sbp_jax.nfl.plays import load_plays
from sbp_jax.runs.ranges import Count, Positive, refuse_out_of_range
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Backend, Devices
from sbp_jax.training.placing import Placed, place_examples
from sbp_jax.training.program import Head, Program, make_program

FLOOR = "floor: read and exponentiate"
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]
Usual = Literal["distributions", "encoder", "mapping", "training", "parsing", "tracking", "series"]
Part = Usual | Literal["accelerators"]


@dataclass(frozen=True)
class Benchmark:
    """What to measure.

    Attributes:
        parts: all but "accelerators" if left out.
        repeats: measurements of which the median is shown, >= 1.
        peers: also time the public PyTorch implementation, on the CPU, or count its operators.
        gpu: measure a GPU in the part "training".
        rehearse: with --gpu: all of it in tiny sizes, on whatever there is.
        minutes: with --gpu: after which it ends with what it has; > 0.
        rows: file for the rows of --gpu or of the part "accelerators", of JSON, begun anew.
        plays: of the part "training" without --gpu, >= 1.
        epochs: of the part "training", >= 1.
        tracking_plays: passes to simulate for the part "tracking", >= 1.
        targets: of the part "accelerators": chips and topologies, such as h100:1x1x8.
        programs: likewise; all if left out.

    Raises:
        SettingError: a number out of its range, or --gpu for another part.
    """

    parts: Annotated[tuple[Part, ...], tyro.conf.Positional] = ()
    repeats: Count = 15
    peers: bool = False
    gpu: bool = False
    rehearse: bool = False
    minutes: Positive = 9.5
    rows: Path | None = None
    plays: Count | None = None
    epochs: Count = 6
    tracking_plays: Count = 5_000
    targets: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what would measure nothing."""
        refuse_out_of_range(self)
        if self.gpu and self.parts != ("training",):
            raise SettingError(f"gpu: expected the part training alone, got {self.parts}")
        if self.rehearse and not self.gpu:
            raise SettingError("rehearse: expected it with --gpu, got it alone")


def milliseconds(function: Callable[..., Any], *args: Any, repeats: int) -> float:
    """Median time of a call, after one to warm up."""
    jax.block_until_ready(function(*args))
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function(*args))
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds))


def show(name: str, found: float, beside: float | None = None, note: str = "") -> None:
    """One line: milliseconds, and the ratio to what it is compared with."""
    ratio = "" if beside is None else f"  {found / beside:6.2f} x"
    print(f"  {name:<34} {found:9.2f} ms{ratio}{note}", flush=True)


def distributions(config: Benchmark) -> None:
    """The spliced family beside its floor, and beside its peer."""
    family = SplicedBinnedPareto(np.linspace(-10, 90, 101), 0.05)
    key = jax.random.key(0)
    raw = jax.random.normal(key, (4096, family.num_outputs))
    params = jax.jit(family.constrain)(raw)
    y = jax.random.uniform(jax.random.fold_in(key, 1), (4096,), minval=-30.0, maxval=120.0)
    q = jax.random.uniform(jax.random.fold_in(key, 2), (4096,))

    def gradient(params: Any, y: jax.Array) -> Any:
        return jax.grad(lambda p: jnp.sum(family.log_prob(p, y)))(params)

    calls = {
        FLOOR: (lambda p, _: jnp.sum(jnp.exp(p.logits), axis=-1), y),
        "log_prob": (family.log_prob, y),
        "log_prob with gradient": (gradient, y),
        "cdf": (family.cdf, y),
        "quantile": (family.quantile, q),
        "crps": (family.crps, y),
    }
    jitted = {name: (jax.jit(function), values) for name, (function, values) in calls.items()}
    ours: dict[str, list[float]] = {name: [] for name in calls}
    theirs: dict[str, list[float]] = {name: [] for name in calls}
    arrays = {**params._asdict(), "y": y, "q": q}
    for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine hits both
        for name, (function, values) in jitted.items():
            ours[name].append(milliseconds(function, params, values, repeats=config.repeats))
        if config.peers:
            found = peers.run(
                "times",
                {name: np.asarray(array) for name, array in arrays.items()},
                repeats=config.repeats,
                low=-10.0,
                high=90.0,
                tail_mass=0.05,
            )
            for name, time_ in found.items():
                theirs[name].append(time_)
    floor = float(np.median(ours[FLOOR]))
    for name in calls:
        found_ours = float(np.median(ours[name]))
        peer = ""
        if theirs[name]:
            found_theirs = float(np.median(theirs[name]))
            peer = f"   gluonts {found_theirs:7.2f} ms, {found_theirs / found_ours:5.1f} times ours"
        show(name, found_ours, None if name == FLOOR else floor, peer)
    one = jax.tree.map(lambda x: x[0], params)
    start = time.perf_counter()
    jax.jit(family.log_prob).lower(one, 3.0).compile()
    show("log_prob of one play, to compile", 1e3 * (time.perf_counter() - start))


def encoder(config: Benchmark) -> None:
    """The reading of the last step beside the dense one, 512 series of 64 steps."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(512, 64, 42)), jnp.float16)
    mask = jnp.asarray(np.arange(64)[None] < rng.integers(0, 65, 512)[:, None])
    model = TCN(features=16)
    params = model.init(jax.random.key(0), x, mask)
    timed = {}
    for readout in ("all", "last"):

        def loss(params: Any, readout: Any = readout) -> jax.Array:
            state: Any = model.apply(params, x, mask, readout=readout)
            return jnp.sum(jnp.square(state))

        timed[readout] = milliseconds(jax.jit(jax.grad(loss)), params, repeats=config.repeats)
    show("dense, with gradient", timed["all"])
    show("last step only, with gradient", timed["last"], timed["all"])


def mapping(config: Benchmark) -> None:
    """An epoch of 8,192 plays under either mapping."""
    rng = np.random.default_rng(0)
    batch = Batch(
        rng.normal(size=(8192, 64, 42)).astype(np.float16),
        np.arange(64)[None] < rng.integers(0, 65, 8192)[:, None],
        rng.normal(size=(8192, 91)).astype(np.float32),
        rng.integers(-5, 40, 8192).astype(np.float32),
    )
    forecaster = make_forecaster(
        NetworkConfig(), SplicedBinnedPareto(np.arange(-15.5, 100), 0.01, "edge")
    )
    schedule = TrainConfig(learning_rate=1e-3, weight_decay=0.0, warmup_steps=10)
    timed = {}
    for backend in get_args(Backend):
        devices = Devices(backend=backend)
        train = place_examples(batch, schedule, devices, shuffle=True)
        program = make_program(Head(forecaster, "base_plus_tail", cell=1.0), train)
        timed[backend] = epoch_milliseconds(program, train, repeats=max(3, config.repeats // 3))
    print(f"  on {jax.device_count()} device(s): {jax.devices()[0].device_kind}")
    show("shard_map", timed["shard_map"])
    show("pmap", timed["pmap"], timed["shard_map"])
    print(f"  {8192e3 / timed['pmap']:,.0f} plays a second under pmap")


def training(config: Benchmark) -> None:
    """Training and scoring at the size of the tracking data."""
    options = ["--epochs", str(config.epochs)]
    if config.plays is not None:
        options += ["--plays", str(config.plays)]
    options += ["--peers"] if config.peers else []
    run_module("scripts.benchmarks.training", options)


def accelerators(config: Benchmark) -> None:
    """What is launched on devices that are only described."""
    options = ["--peers"] if config.peers else []
    options += ["--targets", *config.targets] if config.targets else []
    options += ["--programs", *config.programs] if config.programs else []
    options += ["--rows", str(config.rows.absolute())] if config.rows else []
    run_module("scripts.benchmarks.accelerators", options)


def epoch_milliseconds(program: Program, train: Placed, *, repeats: int) -> float:
    """Median time of an epoch, after one to warm up; each goes on where the last one ended."""
    state, seconds = program.init(), []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        state, losses = program.epoch(state, train.shards)
        jax.block_until_ready(losses)
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds[1:]))


def parsing(config: Benchmark) -> None:
    """Ten seasons of games; once, for it takes long enough to be measured so."""
    del config
    with tempfile.TemporaryDirectory() as folder:
        for name in ("2009-2018 parsed", "2009-2018 from the cache"):
            start = time.perf_counter()
            tables = load_plays(cache=Path(folder), progress=False)
            show(name, 1e3 * (time.perf_counter() - start))
    print(f"  {tables.report.games_kept:,} games, {tables.passes.height:,} passes")


def tracking(config: Benchmark) -> None:
    """Raw tracking into a data set and back into batches."""
    options = ["--plays", str(config.tracking_plays), "--rounds", str(ROUNDS)]
    # A process of its own, without JAX, whose memory would count into that of its children.
    run_module("scripts.benchmarks.tracking", options)


def series(_: Benchmark) -> None:
    """Forecasting a series, and watching streams for extremes."""
    run_module("scripts.benchmarks.series", [])


def run_module(name: str, options: list[str]) -> None:
    """Run a module of this project as a process, which may take all of a GPU's memory."""
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "true"}
    command = [sys.executable, "-m", name, *options]
    subprocess.run(command, cwd=ROOT, check=True, env=environment)


def become_gpu_benchmark(config: Benchmark) -> NoReturn:
    """Go on as the process that measures a GPU, so that signals reach it and no other holds it."""
    options = ["--minutes", str(config.minutes)]
    options += ["--rehearse"] if config.rehearse else []
    options += ["--rows", str(config.rows.absolute())] if config.rows else []
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "scripts.benchmarks.gpu", *options])


def main(config: Benchmark) -> None:
    """Measure the parts asked for.

    Raises:
        PeersError: the peers were asked for and cannot be had.
    """
    if config.gpu:
        become_gpu_benchmark(config)
    if config.peers:
        peers.make()
    print(f"JAX {jax.__version__} on {jax.devices()[0].device_kind}")
    parts = {
        "distributions": distributions,
        "encoder": encoder,
        "mapping": mapping,
        "training": training,
        "parsing": parsing,
        "tracking": tracking,
        "series": series,
        "accelerators": accelerators,
    }
    for name in config.parts or get_args(Usual):
        print(name)
        parts[name](config)


if __name__ == "__main__":
    try:
        main(tyro.cli(Benchmark, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # it has said what was wrong
