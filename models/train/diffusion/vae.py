"""Training of the autoencoder.

Input: pictures of data.py, drawn as they are needed. Output: .cache/diffusion/vae and .cache/diffusion/decoder, each with last.pt and
log.jsonl. First both halves learn together. Then the encoder rests, so that latents can be made, and the decoder goes on alone
(--decoder), before, during or after the training of the denoiser, which never sees it. The loss is the absolute error of the picture and of its
differences between neighbours, so that edges stay where they are, and a light pull of the latents towards the normal distribution.
Deterministic on one kind of processor.

Usage: vae.py [--decoder] [--ranks N] [--stop STEP]   (resumes from the checkpoint when it is there)
       vae.py --test   (the error on pictures that were never drawn in training)
"""
import argparse
import os

import torch

from diffusion import data, loop
from diffusion.model import FACTOR, LATENT, Vae

CHUNK = 16
BLOCK = 512  # pictures that are drawn at once and shuffled, because those of one slot are alike
EDGES, NORMAL = 0.5, 2e-4  # weights beside the absolute error
TEST_PICTURES = 512
SEED = 3
JOB = loop.Job(
    folder=os.path.join(data.FOLDER, "vae"), network=Vae, start=None, chunks=1, chunk=CHUNK,
    knots=((0, 1e-4), (60, 2e-3), (1289, 2e-3)), average=0.995, port="29521")


def half():
    """The autoencoder as the first training left it; only the decoder learns on."""
    vae, _ = loop.load_average(JOB)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return vae


DECODER = JOB._replace(
    folder=os.path.join(data.FOLDER, "decoder"), network=half, chunks=2, knots=((0, 1e-4), (40, 2e-3), (300, 2e-3), (1200, 0.0)), port="29523")


def differences(x):
    return x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]


def loss_of(picture, x, mean, spread):
    error = (picture - x).abs().mean()
    edges = sum((a - b).abs().mean() for a, b in zip(differences(picture), differences(x)))
    normal = 0.5 * (mean.square() + spread.exp() - 1 - spread).mean()
    return error + EDGES * edges + NORMAL * normal, error


def psnr(picture, x):
    """Of each picture, both in -1..1, in decibels of the range 0..1."""
    return -10 * ((picture.clamp(-1, 1) - x) / 2).square().flatten(1).mean(1).clamp_min(1e-10).log10()


class Drawn:
    """Training pictures (CHUNK, 3, 64, 64) in -1..1 of a chunk, of all kinds."""

    def __init__(self, seed, chunks):
        self.pictures, self.seed, self.chunks, self.block = data.Pictures(), seed, chunks, (None, None)

    def batch(self, step, chunk):
        number, part = divmod(step, BLOCK // (CHUNK * self.chunks))
        if self.block[0] != number:
            x, _ = self.pictures.draw(BLOCK, self.seed, number)
            self.block = number, x[torch.randperm(BLOCK, generator=loop.generator_of(self.seed, number, self.chunks))]
        return self.block[1][(part * self.chunks + chunk) * CHUNK:][:CHUNK] * 2 - 1


class Loss:
    def __init__(self):
        self.drawn, self.net = Drawn(SEED, JOB.chunks), None

    def __call__(self, net, step, chunk):
        self.net = torch.compile(net) if self.net is None else self.net
        x = self.drawn.batch(step, chunk)
        side = x.shape[-1] // FACTOR
        noise = torch.randn(CHUNK, LATENT, side, side, generator=loop.generator_of(SEED, step, chunk))
        with torch.autocast("cpu", torch.bfloat16):
            picture, mean, spread = (t.float() for t in self.net(x, noise))
        loss, error = loss_of(picture, x, mean, spread)
        return loss, {"error": error.item(), "psnr": psnr(picture.detach(), x).mean().item()}


class DecoderLoss:
    def __init__(self):
        self.drawn, self.decode = Drawn(SEED + 100, DECODER.chunks), None

    def __call__(self, net, step, chunk):
        self.decode = torch.compile(net.decode) if self.decode is None else self.decode
        x = self.drawn.batch(step, chunk)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                mean, spread = net.encode(x)
            picture = self.decode(mean.detach()).float()
        loss, error = loss_of(picture, x, mean.float(), spread.float())
        return loss, {"error": error.item(), "psnr": psnr(picture.detach(), x).mean().item()}


def trained():
    """The averaged autoencoder of the newest checkpoint; both trainings have the same encoder."""
    return loop.load_average(DECODER if os.path.exists(loop.path_of(DECODER)) else JOB)[0]


@torch.inference_mode()
def test(vae):
    """Error of each unseen picture in decibels, through latents in half precision."""
    x = data.Pictures().draw(TEST_PICTURES, data.TEST_SEED, 0)[0] * 2 - 1
    through = torch.cat([vae.decode(vae.encode(part)[0].half().float()) for part in x.split(data.SLOT)])
    return psnr(through, x)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--decoder", action="store_true")
    options.add_argument("--ranks", type=int, default=1)
    options.add_argument("--stop", type=int)
    options.add_argument("--test", action="store_true")
    chosen = options.parse_args()
    if chosen.test:
        values = test(trained())
        print(f"PSNR mean {values.mean():.2f} dB, lowest tenth {values.quantile(0.1):.2f} dB, {len(values)} pictures")
    elif chosen.decoder:
        loop.run(DECODER._replace(start=DecoderLoss), chosen.ranks, chosen.stop)
    else:
        loop.run(JOB._replace(start=Loss), chosen.ranks, chosen.stop)


if __name__ == "__main__":
    main()
