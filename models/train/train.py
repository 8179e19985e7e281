"""Contrastive training of the two towers.

Input: the caches (icons, letters, tokenizer, teacher vectors). Output: .cache/run/last.pt (resumable checkpoint) and
.cache/run/log.jsonl (one line every LOG steps). The text tower learns alone with its teacher; then come cycles of three stages:
both towers with half of the patches left out; both with whole pictures; the image tower against adversarial pictures, because
edits climb its gradient. Each cycle after the first starts from a higher rate again and shows more of what is still weak.
RANKS processes of one thread share every batch; all random numbers follow from (SEED, step, rank), so a resumed run sees the
same data.

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
from compose import MIXES, Data
from distill import Teacher
from fetch import CACHE
from model import EMBED, PATCH, SIDE, Clip
from muon import Muon

RUN = os.path.join(CACHE, "run")
SEED, RANKS = 1, 2
SHARE = {"colour": 128, "shape": 64}  # samples on each rank of a step led by colour, by shape
SHAPE_EVERY = (4, 3, 2, 2, 2)  # in each cycle, every so many steps one is led by shape
TEXT_PARTS = 4
TEXT = 100  # last step of the text tower alone
# Last steps of the stages of each cycle: half of the patches, whole pictures, adversarial pictures.
CYCLES = ((2500, 2900, 3050), (3460, 3560, 3620), (4060, 4160, 4220), (4720, 4840, 4900), (5320, 5440, 5500))
END = CYCLES[-1][-1]
TEXT_SHARE = 256  # texts on each rank while the text tower learns alone
RATE, WEIGHT_DECAY, WARMUP = 1.5e-3, 0.05, 100
# Learning rate after the warm-up as (step, factor) knots.
KNOTS = ((TEXT + WARMUP, 1.0), (2900, 0.03), (2901, 0.10), (3050, 0.02), (3100, 0.55), (3560, 0.03), (3561, 0.10),
         (3620, 0.02), (3670, 0.50), (4160, 0.03), (4161, 0.10), (4220, 0.02), (4260, 0.50),
         (4840, 0.03), (4841, 0.10), (4900, 0.02), (4940, 0.50),
         (5440, 0.03), (5441, 0.10), (END, 0.02))
TEACH_WEIGHT, TEACH_TEXTS, TEACH_EVERY = 0.3, 96, 2
# Adversarial pictures: this share of them moves along the gradient of the loss by up to so much (L2 over 3 x 64 x 64 values of 0..1).
ATTACK_SHARE, ATTACK_RADIUS = 0.75, 2.0
LOG, SAVE = 20, 50


def cycle_at(step):
    return next(i for i, ends in enumerate(CYCLES) if step < ends[-1])


def stage_at(step):
    """"half", "whole" or "attack"."""
    half, whole, _ = CYCLES[cycle_at(step)]
    return "half" if step < half else "whole" if step < whole else "attack"


def lead_at(step):
    every = SHAPE_EVERY[cycle_at(step)]
    return "shape" if step % every == every - 1 else "colour"


def share_at(step):
    return SHARE["shape"] if stage_at(step) == "attack" else SHARE[lead_at(step)]


def rate_at(step):
    since = step - TEXT if step >= TEXT else step
    if since < WARMUP:
        return RATE * (since + 1) / WARMUP
    return RATE * float(np.interp(step, *zip(*KNOTS)))


def kept_at(step, n, rank):
    """Numbers (n, k) of the patches that are looked at, or None for all: shapes need all of them."""
    if stage_at(step) != "half" or lead_at(step) == "shape":
        return None
    patches = (SIDE // PATCH) ** 2
    generator = torch.Generator().manual_seed((SEED * 1000003 + step) * 64 + rank)
    return torch.rand(n, patches, generator=generator).argsort(1)[:, : patches // 2]


def read(reader, texts):
    """Text features; the captions go through in parts of like length, because padding costs as much as words."""
    ids = torch.from_numpy(tokens.encode(texts))
    lengths = (ids != tokens.PAD).sum(1)
    order = lengths.argsort(stable=True)
    parts = [reader(ids[rows, : int(lengths[rows].max())]) for rows in order.chunk(TEXT_PARTS)]
    return torch.cat(parts)[order.argsort()]


def numbers_of(keys):
    return torch.tensor([[float(zlib.crc32(k.encode()) & 0xFFFFFF)] for k in keys])


def gather(image, text, keys):
    """Features and key numbers of all ranks in one exchange; only the own rows carry gradients."""
    own = torch.cat([image.detach(), text.detach(), numbers_of(keys)], 1)
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


def attacked(tower, vision, x, text, scale, keys, step, rank):
    """Pictures of which ATTACK_SHARE have moved one step up the gradient of the loss of the rank's own share."""
    for p in vision:
        p.requires_grad_(False)
    x = x.clone().requires_grad_()
    gradient = torch.autograd.grad(contrast(tower(x), text.detach(), scale.detach(), numbers_of(keys)[:, 0]), x)[0]
    for p in vision:
        p.requires_grad_(True)
    generator = torch.Generator().manual_seed((SEED * 1000003 + step) * 64 + rank)
    radius = torch.rand(len(x), generator=generator) * ATTACK_RADIUS * (torch.rand(len(x), generator=generator) < ATTACK_SHARE)
    length = gradient.flatten(1).norm(dim=1) + 1e-12
    return (x.detach() + gradient * (radius / length).view(-1, 1, 1, 1)).clamp(0, 1)


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
    vision = [*model.vision_model.parameters(), *model.visual_projection.parameters()]
    named = list(model.named_parameters()) + [("head", head.weight)]
    matrices = [p for n, p in named if ".layers." in n and p.dim() == 2]
    rest = [p for n, p in named if not (".layers." in n and p.dim() == 2)]
    params = matrices + rest
    optimisers = [Muon(matrices, RATE, WEIGHT_DECAY, rank, RANKS),
                  torch.optim.AdamW(rest, RATE, betas=(0.9, 0.98), weight_decay=0, fused=True)]
    first, samples, spent, path = 0, 0, 0.0, os.path.join(RUN, "last.pt")
    if os.path.exists(path):
        saved = torch.load(path)
        model.load_state_dict(saved["model"])
        head.load_state_dict(saved["head"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        first, samples, spent = saved["step"], saved["samples"], saved["seconds"]
    tower = torch.compile(model.image, dynamic=False)
    reader = torch.compile(model.text, dynamic=True)
    began, log, sums, cosine = time.time(), open(os.path.join(RUN, "log.jsonl"), "a"), {}, torch.zeros(())

    def save(step):
        if rank == 0:
            state = {"model": model.state_dict(), "head": head.state_dict(), "optimisers": [o.state_dict() for o in optimisers], "step": step,
                     "samples": samples, "seconds": spent + time.time() - began}
            torch.save(state, path + ".tmp")
            os.replace(path + ".tmp", path)

    for step in range(first, min(stop, END)):
        for group in (g for o in optimisers for g in o.param_groups):
            group["lr"] = rate_at(step)
        if step < TEXT:
            ids, vectors = teacher.pick(TEXT_SHARE, step, rank)
            loss, cosine = teacher.loss(reader(ids), vectors)
            total, kind, scale = loss / RANKS, "text", model.logit_scale.exp()
        else:
            kind, n, attack = lead_at(step), share_at(step), stage_at(step) == "attack"
            samples += n * RANKS
            x, texts, keys = data.batch(n, MIXES[cycle_at(step)][kind], SEED, step, rank)
            scale = model.logit_scale.exp().clamp(max=100)
            if not attack:
                text = read(reader, texts)
            else:  # the text tower keeps still while the image tower hardens
                with torch.no_grad():
                    text, scale = read(reader, texts), scale.detach()
                x = attacked(tower, vision, x, text, scale, keys, step, rank)
            images, captions, numbers = gather(tower(x, kept_at(step, n, rank)), text, keys)
            loss = total = contrast(images, captions, scale, numbers)
            if not attack and step % TEACH_EVERY == 0:
                ids, vectors = teacher.pick(TEACH_TEXTS, step, rank)
                penalty, cosine = teacher.loss(reader(ids), vectors)
                total = loss + TEACH_WEIGHT / RANKS * penalty
        for p in params:
            p.grad = None
        total.backward()
        learning = vision if step >= TEXT and attack else params
        for p in learning:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        sum_gradients(learning)
        for optimiser in optimisers:
            optimiser.step()
        sums.setdefault(kind, []).append(loss.item())
        if (step + 1) % LOG == 0 and rank == 0:
            row = {"step": step + 1, "samples": samples, "seconds": round(spent + time.time() - began), "rate": round(rate_at(step), 6),
                   "scale": round(scale.item(), 2), "cosine": round(cosine.item(), 3), "loss": {k: round(sum(v) / len(v), 3) for k, v in sums.items()}}
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
