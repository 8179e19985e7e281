"""Contrastive training of the two towers.

Input: the caches (icons, letters, pictures that went through the program, tokenizer, teacher vectors). Output:
.cache/run/last.pt (resumable checkpoint), step-N.pt (the averaged weights at the end of each cycle) and log.jsonl (one line every LOG
steps); for the judge in .cache/judge. The text tower learns alone with its teacher; then come cycles of three stages: both towers with half of the patches left out; both
with whole pictures; the image tower against adversarial pictures, because edits climb its gradient. Each cycle after the first
starts from a higher rate again and shows more of what is still weak. Where a sample has a rival (the same things the other way
round), picture and caption must also beat the rival's alone. What is written out is the exponential moving average of the weights. RANKS processes of one thread share every batch; the towers
work on a graphics card in mixed precision when there is one. All random numbers follow from (seed, step, rank), so a resumed run
sees the same data.

Usage: train.py [--judge] [--stop STEP]   (resumes from the checkpoint when it is there)
"""
import argparse
import json
import os
import time
import zlib
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F

from data import tokens
from data.compose import MIXES, Data
from data.fetch import CACHE
from distill import Teacher
from model import JUDGE, SHIPPED, Clip, Size
from muon import Muon

RANKS = 2
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHARE = {"colour": 128, "shape": 64}  # samples on each rank of a step led by colour, by shape
TEXT_PARTS = 4
TEXT = 100  # last step of the text tower alone
TEXT_SHARE = 256  # texts on each rank while the text tower learns alone
RATE, WEIGHT_DECAY, WARMUP = 1.5e-3, 0.05, 100
TEACH_WEIGHT, TEACH_TEXTS, TEACH_EVERY = 0.3, 96, 2
RIVAL_WEIGHT = 0.5
AVERAGE = 0.99  # of the moving average of the weights; the rest is the newest step
# Adversarial pictures: this share of them moves along the gradient of the loss by up to so much (L2 over 3 x 64 x 64 values of 0..1).
ATTACK_SHARE, ATTACK_RADIUS = 0.75, 2.0
LOG, SAVE = 20, 50


class Plan(NamedTuple):
    """What is trained and how long; `cycles` holds the last steps of the stages of each cycle: half of the patches, whole
    pictures, adversarial pictures; `mixes` its mix of kinds; in each cycle, every `shape_every` steps one is led by shape; `knots`
    are the learning rate after the warm-up as (step, factor)."""
    folder: str
    seed: int
    size: Size
    cycles: tuple
    mixes: tuple
    shape_every: tuple
    knots: tuple
    port: str

    @property
    def end(self):
        return self.cycles[-1][-1]


ENCODER_PLAN = Plan(
    os.path.join(CACHE, "run"), 1, SHIPPED,
    ((2500, 2900, 3050), (3460, 3560, 3620), (4060, 4160, 4220), (4720, 4840, 4900), (5320, 5440, 5500), (6050, 6050, 6050), (6750, 6750, 6750), (7100, 7200, 7250), (8050, 8050, 8050),
     (8880, 9000, 9100)),
    MIXES, (4, 3, 2, 2, 2, 2, 2, 2, 2, 2),
    ((TEXT + WARMUP, 1.0), (2900, 0.03), (2901, 0.10), (3050, 0.02), (3100, 0.55), (3560, 0.03), (3561, 0.10), (3620, 0.02), (3670, 0.50),
     (4160, 0.03), (4161, 0.10), (4220, 0.02), (4260, 0.50), (4840, 0.03), (4841, 0.10), (4900, 0.02), (4940, 0.50), (5440, 0.03), (5441, 0.10),
     (5500, 0.02), (5540, 0.50), (6050, 0.10), (6090, 0.50), (6750, 0.14), (6780, 0.45), (7100, 0.20), (7200, 0.03), (7201, 0.10), (7250, 0.02),
     (7290, 0.55), (8050, 0.42), (8880, 0.15), (9000, 0.03), (9001, 0.10), (9100, 0.02)), "29517")
# The judge sees the wide mixes from the start and is never hardened: it is a second opinion, not a second product.
JUDGE_PLAN = Plan(
    os.path.join(CACHE, "judge"), 2, JUDGE, ((TEXT, 900, 900), (900, 1150, 1150), (1750, 1750, 1750)), (MIXES[7], MIXES[7], MIXES[9]), (3, 3, 3),
    ((TEXT + WARMUP, 1.0), (900, 0.02), (920, 0.6), (1150, 0.02), (1170, 0.6), (1750, 0.06)), "29518")


def cycle_at(plan, step):
    return next(i for i, ends in enumerate(plan.cycles) if step < ends[-1])


def stage_at(plan, step):
    """"half", "whole" or "attack"."""
    half, whole, _ = plan.cycles[cycle_at(plan, step)]
    return "half" if step < half else "whole" if step < whole else "attack"


def lead_at(plan, step):
    every = plan.shape_every[cycle_at(plan, step)]
    return "shape" if step % every == every - 1 else "colour"


def share_at(plan, step):
    return SHARE["shape"] if stage_at(plan, step) == "attack" else SHARE[lead_at(plan, step)]


def rate_at(plan, step):
    since = step - TEXT if step >= TEXT else step
    if since < WARMUP:
        return RATE * (since + 1) / WARMUP
    return RATE * float(np.interp(step, *zip(*plan.knots)))


def generator_at(plan, step, rank):
    return torch.Generator().manual_seed((plan.seed * 1000003 + step) * 64 + rank)


def kept_at(plan, step, n, rank):
    """Numbers (n, k) of the patches that are looked at, or None for all: shapes need all of them."""
    if stage_at(plan, step) != "half" or lead_at(plan, step) == "shape":
        return None
    return torch.rand(n, plan.size.patches, generator=generator_at(plan, step, rank)).argsort(1)[:, : plan.size.patches // 2]


def read(reader, texts):
    """Text features; the captions go through in parts of like length, because padding costs as much as words."""
    ids = torch.from_numpy(tokens.encode(texts))
    lengths = (ids != tokens.PAD).sum(1)
    order = lengths.argsort(stable=True)
    parts = [reader(ids[rows, : int(lengths[rows].max())]) for rows in order.chunk(TEXT_PARTS)]
    return torch.cat(parts)[order.argsort()]


def compiled(function, dynamic):
    """On a graphics card in bfloat16 where that is safe; features come back in f32 on the processor, where the ranks meet."""
    function = torch.compile(function, dynamic=dynamic)

    def call(*inputs):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
            return function(*(x if x is None else x.to(DEVICE) for x in inputs)).float().cpu()

    return call


def numbers_of(keys):
    return torch.tensor([[float(zlib.crc32(k.encode()) & 0xFFFFFF)] for k in keys])


def gather(image, text, keys):
    """Features and key numbers of all ranks in one exchange; only the own rows carry gradients."""
    own = torch.cat([image.detach(), text.detach(), numbers_of(keys)], 1)
    rows = [torch.empty_like(own) for _ in range(RANKS)]
    dist.all_gather(rows, own)
    rank = dist.get_rank()
    embed = image.shape[1]
    images, texts = [r[:, :embed] for r in rows], [r[:, embed:2 * embed] for r in rows]
    images[rank], texts[rank] = image, text
    return torch.cat(images), torch.cat(texts), torch.cat(rows)[:, -1]


def contrast(image, text, scale, keys):
    """Softmax both ways; samples of one key share the target."""
    target = (keys[:, None] == keys[None]).float()
    target = target / target.sum(1, keepdim=True)
    logits = scale * image @ text.T
    return -(target * (F.log_softmax(logits, 1) + F.log_softmax(logits.T, 1))).sum(1).mean() / 2


def outdo(image, text, rivals, scale):
    """Picture and caption against those of the rival alone, a choice of two both ways; -1 where there is none. In the softmax over
    the whole batch near matches by chance thin this gradient out."""
    own = torch.nonzero(rivals >= 0)[:, 0]
    other = rivals[own]
    right = (image[own] * text[own]).sum(1)
    wrong = torch.stack([(image[own] * text[other]).sum(1), (image[other] * text[own]).sum(1)])
    return F.softplus(scale * (wrong - right)).sum() / (2 * len(image))


def attacked(tower, vision, x, text, scale, keys, generator):
    """Pictures of which ATTACK_SHARE have moved one step up the gradient of the loss of the rank's own share."""
    for p in vision:
        p.requires_grad_(False)
    x = x.clone().requires_grad_()
    gradient = torch.autograd.grad(contrast(tower(x), text.detach(), scale.detach(), numbers_of(keys)[:, 0]), x)[0]
    for p in vision:
        p.requires_grad_(True)
    radius = torch.rand(len(x), generator=generator) * ATTACK_RADIUS * (torch.rand(len(x), generator=generator) < ATTACK_SHARE)
    length = gradient.flatten(1).norm(dim=1) + 1e-12
    return (x.detach() + gradient * (radius / length).view(-1, 1, 1, 1)).clamp(0, 1)


def sum_gradients(params):
    """Add up the ranks' gradients and limit their length."""
    flat = torch.cat([p.grad.flatten().cpu() for p in params])
    dist.all_reduce(flat)
    flat *= min(1.0, 1.0 / (flat.norm().item() + 1e-6))
    start = 0
    for p in params:
        p.grad.copy_(flat[start:start + p.numel()].view_as(p))
        start += p.numel()


def worker(rank, plan, stop):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=plan.port)
    torch.set_num_threads(1)
    os.setsid()  # the scheduler shares the cores among sessions; each rank counts by itself
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    torch.manual_seed(plan.seed - 1)
    model, data, teacher = Clip(plan.size).to(DEVICE), Data(), Teacher(plan.size.embed)
    head = teacher.head
    vision = [*model.vision_model.parameters(), *model.visual_projection.parameters()]
    named = list(model.named_parameters()) + [("head", head.weight)]
    matrices = [p for n, p in named if ".layers." in n and p.dim() == 2]
    rest = [p for n, p in named if not (".layers." in n and p.dim() == 2)]
    params = matrices + rest
    optimisers = [Muon(matrices, RATE, WEIGHT_DECAY, rank, RANKS),
                  torch.optim.AdamW(rest, RATE, betas=(0.9, 0.98), weight_decay=0, fused=True)]
    average = {k: v.clone() for k, v in model.state_dict().items()}
    first, samples, spent, path = 0, 0, 0.0, os.path.join(plan.folder, "last.pt")
    if os.path.exists(path):
        saved = torch.load(path, map_location="cpu")
        model.load_state_dict(saved["model"])
        average = {k: v.to(DEVICE) for k, v in saved["average"].items()}
        head.load_state_dict(saved["head"])
        for optimiser, state in zip(optimisers, saved["optimisers"]):
            optimiser.load_state_dict(state)
        first, samples, spent = saved["step"], saved["samples"], saved["seconds"]
    tower, reader = compiled(model.image, False), compiled(model.text, True)
    began, log, sums, cosine = time.time(), open(os.path.join(plan.folder, "log.jsonl"), "a"), {}, torch.zeros(())

    def save(step):
        if rank == 0:
            state = {"model": model.state_dict(), "average": average, "head": head.state_dict(),
                     "optimisers": [o.state_dict() for o in optimisers], "step": step, "samples": samples, "seconds": spent + time.time() - began}
            torch.save(state, path + ".tmp")
            os.replace(path + ".tmp", path)
            if any(step == ends[-1] for ends in plan.cycles):
                torch.save({"model": average, "step": step, "samples": samples}, os.path.join(plan.folder, f"step-{step}.pt"))

    for step in range(first, min(stop, plan.end)):
        for group in (g for o in optimisers for g in o.param_groups):
            group["lr"] = rate_at(plan, step)
        if step < TEXT:
            ids, vectors = teacher.pick(TEXT_SHARE, step, rank)
            loss, cosine = teacher.loss(reader(ids), vectors)
            total, kind, scale = loss / RANKS, "text", model.logit_scale.exp().cpu()
        else:
            kind, n, attack = lead_at(plan, step), share_at(plan, step), stage_at(plan, step) == "attack"
            samples += n * RANKS
            x, texts, keys, rivals = data.batch(n, plan.mixes[cycle_at(plan, step)][kind], plan.seed, step, rank)
            scale = model.logit_scale.exp().clamp(max=100).cpu()
            if not attack:
                text = read(reader, texts)
            else:  # the text tower keeps still while the image tower hardens
                with torch.no_grad():
                    text, scale = read(reader, texts), scale.detach()
                x = attacked(tower, vision, x, text, scale, keys, generator_at(plan, step, rank))
            images, captions, numbers = gather(tower(x, kept_at(plan, step, n, rank)), text, keys)
            loss = contrast(images, captions, scale, numbers)
            total = loss + RIVAL_WEIGHT / RANKS * outdo(images[rank * n:][:n], text, rivals, scale)
            if not attack and step % TEACH_EVERY == 0:
                ids, vectors = teacher.pick(TEACH_TEXTS, step, rank)
                penalty, cosine = teacher.loss(reader(ids), vectors)
                total = total + TEACH_WEIGHT / RANKS * penalty
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
        torch._foreach_lerp_(list(average.values()), list(model.state_dict().values()), 1 - AVERAGE)
        sums.setdefault(kind, []).append(loss.item())
        if (step + 1) % LOG == 0 and rank == 0:
            row = {"step": step + 1, "samples": samples, "seconds": round(spent + time.time() - began), "rate": round(rate_at(plan, step), 6),
                   "scale": round(scale.item(), 2), "cosine": round(cosine.item(), 3), "loss": {k: round(sum(v) / len(v), 3) for k, v in sums.items()}}
            log.write(json.dumps(row) + "\n")
            log.flush()
            print(row, flush=True)
            sums = {}
        if (step + 1) % SAVE == 0:
            save(step + 1)
    save(min(stop, plan.end))
    dist.destroy_process_group()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--judge", action="store_true")
    options.add_argument("--stop", type=int)
    chosen = options.parse_args()
    plan = JUDGE_PLAN if chosen.judge else ENCODER_PLAN
    os.makedirs(plan.folder, exist_ok=True)
    torch.multiprocessing.spawn(worker, (plan, chosen.stop or plan.end), RANKS)


if __name__ == "__main__":
    main()
