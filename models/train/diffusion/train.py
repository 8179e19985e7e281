"""Training of the denoiser.

Input: the shards of data.py. Output: .cache/diffusion/unet/last.pt and log.jsonl; of the last steps, with a falling rate, the same in
.cache/diffusion/cooled. The denoiser predicts the noise; a timestep counts
by how much signal it holds, up to a limit (min-SNR), so that nearly clean latents do not outweigh the others. A tenth of the captions
is left out for guidance without a classifier. Deterministic on one kind of processor: samples, noise and timesteps follow from
(seed, step, chunk).

Usage: train.py [--ranks N] [--stop STEP]   (resumes from the checkpoint when it is there)
       train.py --cool STEPS [--ranks N]   (the last steps; remove .cache/diffusion/cooled to cool another checkpoint)
"""
import argparse
import json
import os
import shutil

import numpy as np
import torch

from diffusion import data, loop
from diffusion.model import STEPS, UNet, alphas_cumprod
from diffusion.text import TextStates, ids_of

CHUNK, CHUNKS = 32, 2
SILENT = 0.1  # of the captions are left out
GAMMA = 5.0
SEED = 4
JOB = loop.Job(
    folder=os.path.join(data.FOLDER, "unet"), network=UNet, start=None, chunks=CHUNKS, chunk=CHUNK,
    knots=((0, 1e-4), (100, 2e-3), (20000, 1e-3)), average=0.996, port="29522")
COOLED = os.path.join(data.FOLDER, "cooled")


def rows_of(count, step, chunk):
    """Numbers of a chunk's samples: every pass goes through all of them once, in an order of its own."""
    per_pass = count // (CHUNK * CHUNKS)
    number, part = divmod(step, per_pass)
    order = torch.randperm(count, generator=loop.generator_of(SEED + 1, number, 0))
    return order[(part * CHUNKS + chunk) * CHUNK:][:CHUNK]


def timesteps_of(generator):
    """One in each of CHUNK equal parts of the schedule, so that no chunk lacks a part."""
    return ((torch.arange(CHUNK) + torch.rand(CHUNK, generator=generator)) * STEPS / CHUNK).long()


class Loss:
    def __init__(self):
        self.latents, self.texts, self.alphas, self.net = data.Latents(), TextStates(), alphas_cumprod(), None
        self.scale, self.silence = self.latents.scale(), ids_of([""])[0]

    def batch(self, step, chunk):
        """Clean latents, noise, timesteps and text states."""
        generator = loop.generator_of(SEED, step, chunk)
        rows = rows_of(len(self.latents), step, chunk)
        ids = self.latents.ids[rows].long()
        ids[torch.rand(CHUNK, generator=generator) < SILENT] = self.silence
        clean = self.latents.latents[rows].float() * self.scale
        return clean, torch.randn(clean.shape, generator=generator), timesteps_of(generator), self.texts(ids)

    def weights(self, kept):
        ratio = kept / (1 - kept)
        return ratio.clamp(max=GAMMA) / ratio

    def __call__(self, net, step, chunk):
        self.net = torch.compile(net) if self.net is None else self.net
        clean, noise, t, context = self.batch(step, chunk)
        kept = self.alphas[t]
        noisy = kept.sqrt().view(-1, 1, 1, 1) * clean + (1 - kept).sqrt().view(-1, 1, 1, 1) * noise
        with torch.autocast("cpu", torch.bfloat16):
            guess = self.net(noisy, t, context).float()
        errors = (guess - noise).square().mean((1, 2, 3))
        loss = (self.weights(kept) * errors).mean()
        return loss, {"plain": errors.mean().item()}


def cooled(steps):
    """The job of the last `steps`: on from a copy of the newest checkpoint, with a rate that falls to nothing. The checkpoint itself stays
    as it is, so that the training can go on from it another day."""
    path = os.path.join(COOLED, "last.pt")
    start = os.path.join(COOLED, "start.json")
    if not os.path.exists(path):
        os.makedirs(COOLED, exist_ok=True)
        shutil.copyfile(loop.path_of(JOB), path)
        step = torch.load(path, map_location="cpu")["step"]
        with open(start, "w") as f:
            json.dump([[step, float(np.interp(step, *zip(*JOB.knots)))], [step + steps, 0.0]], f)
    with open(start) as f:
        knots = json.load(f)
    return JOB._replace(folder=COOLED, knots=tuple(map(tuple, knots)), port="29524")


def newest():
    """The job whose checkpoint is to be shown: the cooled one where there is one."""
    return JOB._replace(folder=COOLED) if os.path.exists(os.path.join(COOLED, "last.pt")) else JOB


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--ranks", type=int, default=2)
    options.add_argument("--stop", type=int)
    options.add_argument("--cool", type=int)
    chosen = options.parse_args()
    job = cooled(chosen.cool) if chosen.cool else JOB
    loop.run(job._replace(start=Loss), chosen.ranks, chosen.stop)


if __name__ == "__main__":
    main()
