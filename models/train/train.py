"""Contrastive training of the two towers.

Input: the caches (icons, letters, tokenizer, teacher vectors). Output: .cache/run/last.pt (resumable checkpoint),
.cache/run/log.jsonl (one line every LOG steps) and snapshots. Four processes of one thread share every batch (threads of one process
would wait for each other at every operation when other work shares the cores); all
random numbers follow from (SEED, step, rank), so a resumed run sees the same data.

Usage: train.py [--stop STEP]   (resumes from .cache/run/last.pt when it is there)
"""
import argparse
import json
import os
import time
import zlib

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

import tokens
from compose import Data
from distill import Teacher
from fetch import CACHE
from model import EMBED, Clip
from muon import Muon

RUN = os.path.join(CACHE, "run")
SEED, RANKS, SHARE = 1, 4, 64  # SHARE samples on each rank
TEXT_PARTS = 4
RATE, WEIGHT_DECAY, WARMUP = 1.5e-3, 0.05, 40
TEXT, TEXT_SHARE = 100, 128  # steps of the text tower alone with its teacher, texts on each rank
# Side of the pictures from a step on. Small ones cost a quarter; colours and looks learnt on
# them hold at the full side, plain shapes only in part, so the last stretch should be longer than this one.
SIDES = ((0, 32), (520, 64), (540, 32), (792, 64), (798, 32), (856, 64))
# Learning rate after the warm-up as (step, factor) knots: one decay, then two shorter ones.
KNOTS, END = ((540, 1.0), (680, 0.27), (681, 0.65), (798, 0.03), (799, 0.6), (860, 0.03)), 860
TEACH_WEIGHT, TEACH_TEXTS, TEACH_EVERY = 0.3, 48, 2
LOG, SAVE = 20, 20


def side_at(step):
    return [side for start, side in SIDES if step >= start][-1]


def rate_at(step):
    since = step - TEXT if step >= TEXT else step
    if since < WARMUP:
        return RATE * (since + 1) / WARMUP
    return RATE * float(np.interp(step, *zip(*KNOTS)))


def read(reader, texts):
    """Text features; the captions go through in parts of like length, because padding costs as much as words."""
    ids = torch.from_numpy(tokens.encode(texts))
    lengths = (ids != tokens.PAD).sum(1)
    order = lengths.argsort(stable=True)
    parts = [reader(ids[rows, : int(lengths[rows].max())]) for rows in order.chunk(TEXT_PARTS)]
    return torch.cat(parts)[order.argsort()]


def gather(image, text, keys):
    """Features and key numbers of all ranks in one exchange; only the own rows carry gradients."""
    numbers = torch.tensor([[float(zlib.crc32(k.encode()) & 0xFFFFFF)] for k in keys])
    own = torch.cat([image.detach(), text.detach(), numbers], 1)
    rows = [torch.empty_like(own) for _ in range(RANKS)]
    dist.all_gather(rows, own)
    rank = dist.get_rank()
    images, texts = [r[:, :EMBED] for r in rows], [r[:, EMBED:2 * EMBED] for r in rows]
    images[rank], texts[rank] = image, text
    return torch.cat(images), torch.cat(texts), torch.cat(rows)[:, -1]


def contrast(image, text, scale, keys):
    """Softmax both ways; samples of one key share the target."""
    target = (keys[:, None] == keys[None]).float()
    target = target / target.sum(1, keepdim=True)
    logits = scale * image @ text.T
    return -(target * (F.log_softmax(logits, 1) + F.log_softmax(logits.T, 1))).sum(1).mean() / 2


def sum_gradients(params):
    """Add up the ranks' gradients and limit their length."""
    flat = torch.cat([p.grad.flatten() for p in params])
    dist.all_reduce(flat)
    flat *= min(1.0, 1.0 / (flat.norm().item() + 1e-6))
    start = 0
    for p in params:
        p.grad.copy_(flat[start:start + p.numel()].view_as(p))
        start += p.numel()


def worker(rank, stop):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29517")
    torch.set_num_threads(1)
    os.setsid()  # the scheduler shares the cores among sessions; each rank counts by itself
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    torch.manual_seed(0)
    model, data, teacher = Clip(), Data(), Teacher()
    head = teacher.head
    named = list(model.named_parameters()) + [("head", head.weight)]
    matrices = [p for n, p in named if ".layers." in n and p.dim() == 2]
    rest = [p for n, p in named if not (".layers." in n and p.dim() == 2)]
    params = matrices + rest
    optimisers = [Muon(matrices, RATE, WEIGHT_DECAY, rank, RANKS),
                  torch.optim.AdamW(rest, RATE, betas=(0.9, 0.98), weight_decay=0, fused=True)]
    first, spent, path = 0, 0.0, os.path.join(RUN, "last.pt")
    if os.path.exists(path):
        saved = torch.load(path)
        model.load_state_dict(saved["model"])
        head.load_state_dict(saved["head"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        first, spent = saved["step"], saved["seconds"]
    tower = torch.compile(model.image, dynamic=False)
    reader = torch.compile(model.text, dynamic=True)
    began, log, sums = time.time(), open(os.path.join(RUN, "log.jsonl"), "a"), {}

    def save(step):
        if rank == 0:
            state = {"model": model.state_dict(), "head": head.state_dict(), "optimisers": [o.state_dict() for o in optimisers], "step": step,
                     "seconds": spent + time.time() - began}
            torch.save(state, path + ".tmp")
            os.replace(path + ".tmp", path)

    for step in range(first, min(stop, END)):
        for group in (g for o in optimisers for g in o.param_groups):
            group["lr"] = rate_at(step)
        if step < TEXT:
            ids, vectors = teacher.pick(TEXT_SHARE, step, rank)
            loss, cosine = teacher.loss(reader(ids), vectors)
            total, kind, side, scale = loss / RANKS, "text", 0, model.logit_scale.exp()
        else:
            x, texts, keys, kind = data.batch(SHARE, SEED, step, rank)
            side = side_at(step)
            if side != x.shape[-1]:
                x = F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)
            text, scale = read(reader, texts), model.logit_scale.exp().clamp(max=100)
            images, captions, numbers = gather(tower(x), text, keys)
            loss = total = contrast(images, captions, scale, numbers)
            if step % TEACH_EVERY == 0:
                ids, vectors = teacher.pick(TEACH_TEXTS, step, rank)
                penalty, cosine = teacher.loss(reader(ids), vectors)
                total = loss + TEACH_WEIGHT / RANKS * penalty
        for p in params:
            p.grad = None
        total.backward()
        for p in params:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        sum_gradients(params)
        for optimiser in optimisers:
            optimiser.step()
        sums.setdefault(str(kind), []).append(loss.item())
        if (step + 1) % LOG == 0 and rank == 0:
            every = [v for part in sums.values() for v in part]
            row = {"step": step + 1, "samples": max(0, step + 1 - TEXT) * SHARE * RANKS, "side": side, "seconds": round(spent + time.time() - began),
                   "loss": round(sum(every) / len(every), 4), "rate": round(rate_at(step), 6), "scale": round(scale.item(), 2),
                   "cosine": round(cosine.item(), 3), "kinds": {k: round(sum(v) / len(v), 3) for k, v in sums.items()}}
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(row, flush=True)
            sums = {}
        if (step + 1) % SAVE == 0:
            save(step + 1)
    save(min(stop, END))
    dist.destroy_process_group()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--stop", type=int, default=END)
    stop = options.parse_args().stop
    os.makedirs(RUN, exist_ok=True)
    torch.multiprocessing.spawn(worker, (stop,), RANKS)


if __name__ == "__main__":
    main()
