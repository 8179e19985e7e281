"""The training loop that the autoencoder and the denoiser share.

Input: a `Job`. Output in its folder: last.pt (resumable checkpoint), and log.jsonl (one line every LOG steps). Each step is made of
chunks, dealt out among RANKS processes of one thread: threads of one process would wait for each other at every operation. What a chunk
holds follows from (step, chunk), so a resumed run, or one with another number of processes, sees the same data. What is written out is
the exponential moving average of the weights.
"""
import json
import os
import time
from typing import Callable, NamedTuple

import numpy as np
import torch
import torch.distributed as dist

from muon import MOMENTUM, SIZE, orthogonal

LOG = 20
SAVE_SECONDS = 150
CLIP = 1.0
DECAY = 0.01
OUTER = ("conv_in.weight", "conv_out.weight")


class Job(NamedTuple):
    """`start` makes, once in each process, a function (net, step, chunk) that gives the loss and figures to log; `knots` are the learning
    rate as (step, rate); `average` is what stays of the moving average at each step."""
    folder: str
    network: Callable
    start: Callable
    chunks: int
    chunk: int
    knots: tuple
    average: float
    port: str

    @property
    def end(self):
        return self.knots[-1][0]


def path_of(job):
    return os.path.join(job.folder, "last.pt")


def load_average(job):
    """The averaged network, and the checkpoint it comes from."""
    saved = torch.load(path_of(job), map_location="cpu")
    net = job.network()
    net.load_state_dict(saved["average"])
    return net.eval(), saved


def generator_of(seed, step, chunk):
    return torch.Generator().manual_seed((seed * 1000003 + step) * 64 + chunk)


class Muon(torch.optim.Optimizer):
    """muon.py's step for kernels and matrices of one process; every process takes the same. A kernel is a matrix with a row for each
    channel that goes out. The orthogonal factor is worked out in bfloat16, which the three steps bear."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.0, "weight_decay": DECAY})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                past = self.state[p].setdefault("momentum", torch.zeros_like(p))
                past.lerp_(p.grad, 1 - MOMENTUM)
                matrix = p.grad.lerp(past, MOMENTUM).flatten(1)
                with torch.autocast("cpu", torch.bfloat16):
                    turn = orthogonal(matrix).float()
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(turn.view_as(p), alpha=-group["lr"] * SIZE * max(matrix.shape) ** 0.5)


def optimisers_of(net):
    """Muon for what lies inside; AdamW for the first and last layers, biases and normalisations."""
    inner = [p for n, p in net.named_parameters() if p.requires_grad and p.dim() > 1 and not n.endswith(OUTER)]
    chosen = set(map(id, inner))
    rest = [p for p in net.parameters() if p.requires_grad and id(p) not in chosen]
    return [Muon(inner), torch.optim.AdamW(rest, betas=(0.9, 0.99), weight_decay=0, fused=True)]


def sum_gradients(params, ranks):
    """Add up the processes' gradients and limit their length, which is returned."""
    flat = torch.cat([p.grad.flatten() for p in params])
    if ranks > 1:
        dist.all_reduce(flat)
    length = flat.norm().item()
    flat *= min(1.0, CLIP / (length + 1e-6))
    start = 0
    for p in params:
        p.grad.copy_(flat[start:start + p.numel()].view_as(p))
        start += p.numel()
    return length


class State:
    """Network, optimiser, moving average and counters."""

    def __init__(self, job):
        torch.manual_seed(0)
        self.job, self.net = job, job.network()
        self.optimisers = optimisers_of(self.net)
        self.average = {k: v.clone() for k, v in self.net.state_dict().items()}
        self.step, self.seconds = 0, 0.0
        if os.path.exists(path_of(job)):
            self.load(torch.load(path_of(job), map_location="cpu"))
        self.began = time.time()

    def load(self, saved):
        self.net.load_state_dict(saved["net"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        self.average, self.step, self.seconds = saved["average"], saved["step"], saved["seconds"]

    def spent(self):
        return self.seconds + time.time() - self.began

    def samples(self):
        return self.step * self.job.chunks * self.job.chunk

    def save(self):
        path = path_of(self.job)
        torch.save({"net": self.net.state_dict(), "average": self.average, "step": self.step,
                    "optimisers": [o.state_dict() for o in self.optimisers], "samples": self.samples(), "seconds": self.spent()}, path + ".tmp")
        os.replace(path + ".tmp", path)

    def advance(self):
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = float(np.interp(self.step, *zip(*self.job.knots)))
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        # early weights are forgotten sooner
        keep = min(self.job.average, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.values()), list(self.net.state_dict().values()), 1 - keep)


def worker(rank, ranks, job, stop):
    torch.set_num_threads(1)
    if ranks > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=job.port)
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
    state = State(job)
    loss_of, params = job.start(), [p for p in state.net.parameters() if p.requires_grad]
    sums, log, saved = {}, open(os.path.join(job.folder, "log.jsonl"), "a"), time.time()
    while state.step < stop:
        for chunk in range(rank, job.chunks, ranks):
            loss, figures = loss_of(state.net, state.step, chunk)
            (loss / job.chunks).backward()
            for name, value in {"loss": loss.item(), **figures}.items():
                sums.setdefault(name, []).append(value)
        sums.setdefault("length", []).append(sum_gradients(params, ranks))
        state.advance()
        if rank == 0 and state.step % LOG == 0:
            row = {"step": state.step, "samples": state.samples(), "seconds": round(state.spent()),
                   **{k: round(sum(v) / len(v), 5) for k, v in sums.items()}}
            print(json.dumps(row), file=log, flush=True)
            print(row, flush=True)
            sums = {}
        if rank == 0 and (time.time() - saved > SAVE_SECONDS or state.step == stop):
            state.save()
            saved = time.time()
    if ranks > 1:
        dist.barrier()
        dist.destroy_process_group()


def run(job, ranks, stop=None):
    os.makedirs(job.folder, exist_ok=True)
    torch.multiprocessing.spawn(worker, (ranks, job, min(stop or job.end, job.end)), ranks)
