"""Pictures from captions: DDIM with guidance.

Input: the newest checkpoints, or an exported folder. Output: a sheet of pictures, one a caption. Deterministic: the noise of picture i
follows from (seed, i).

Usage: sample.py SHEET.png [--folder FOLDER] [--steps N] [--guidance W] [--seed S] [CAPTION ...]
"""
import argparse
import json
import os

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from diffusion import data, loop, train, vae
from diffusion.model import LATENT, SCHEDULER, STEPS, UNet, Vae, alphas_cumprod
from diffusion.text import TextStates

GUIDANCE, SAMPLE_STEPS, GRID = 4.0, 25, 16
CAPTIONS = (
    "a red star", "a blue circle", "a green heart on a white background", "a yellow triangle on a navy background",
    "a purple ring", "an orange square on a teal background", "a pink drop", "a black arrow on a yellow background",
    "a brown cross", "a turquoise hexagon on a maroon background", "a gray crescent", "a lime spiral on a black background",
    "a red apple", "a smiling face", "a house", "a tree", "a blue fish", "a gold key", "a green leaf on a beige background", "a cat",
    "a star made of wood", "a heart made of gold", "a circle of marble", "brick wall", "a landscape at sunset", "a landscape at night",
    "a landscape in sepia", "hills in the snow", "a cup of coffee in neon light", "a rocket at sunset", "blue and yellow stripes", "",
)


class Model:
    """Both networks, the text tower and the factor that brings latents to a deviation of one."""

    def __init__(self, unet, autoencoder, scale, made=None):
        self.unet, self.vae, self.scale, self.made = unet.eval(), autoencoder.eval(), scale, made
        self.texts, self.alphas = TextStates(), alphas_cumprod()

    @classmethod
    def newest(cls):
        unet, saved = loop.load_average(train.newest())
        return cls(unet, vae.trained(), data.Latents().scale(), {k: saved[k] for k in ("step", "samples", "seconds")})

    @classmethod
    def of_folder(cls, folder):
        parts = []
        for name, kind in (("unet", UNet), ("vae", Vae)):
            with open(os.path.join(folder, name, "config.json")) as f:
                config = json.load(f)
            net = kind(config)
            net.load_state_dict({k: v.float() for k, v in load_file(os.path.join(folder, name, "diffusion_pytorch_model.safetensors")).items()})
            parts.append(net)
        return cls(*parts, config["scaling_factor"])

    def noise(self, z, t, context, silent, guidance):
        """The guided prediction of the noise."""
        both = self.unet(torch.cat([z, z]), torch.full((2 * len(z),), t), torch.cat([silent, context]))
        without, within = both.chunk(2)
        return without + guidance * (within - without)

    @torch.inference_mode()
    def latents(self, texts, seed=0, steps=SAMPLE_STEPS, guidance=GUIDANCE, side=GRID, first=0):
        context, silent = self.texts.of(texts), self.texts.of([""] * len(texts))
        generators = [torch.Generator().manual_seed(seed * 1000003 + first + i) for i in range(len(texts))]
        z = torch.stack([torch.randn(LATENT, side, side, generator=g) for g in generators])
        stride = STEPS // steps
        for t in range(STEPS - stride, -1, -stride):
            z = self.step(z, self.noise(z, t, context, silent, guidance), t, t - stride)
        return z

    def step(self, z, noise, t, after):
        """One deterministic step from timestep t; the last one ends at the first timestep's noise level."""
        assert not SCHEDULER["set_alpha_to_one"] and SCHEDULER["steps_offset"] == 0
        now, then = self.alphas[t], self.alphas[max(after, 0)]
        clean = (z - (1 - now).sqrt() * noise) / now.sqrt()
        return then.sqrt() * clean + (1 - then).sqrt() * noise

    @torch.inference_mode()
    def pictures(self, texts, part=32, **options):
        """(n, 3, h, w) in 0..1."""
        out = []
        for i in range(0, len(texts), part):
            z = self.latents(texts[i:i + part], first=i, **options)
            out.append((self.vae.decode(z / self.scale) / 2 + 0.5).clamp(0, 1))
        return torch.cat(out)


def sheet(pictures, columns=8):
    """One picture (h, w, 3) u8 of all, row by row."""
    rows = -(-len(pictures) // columns)
    _, _, height, width = pictures.shape
    out = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for i, pixels in enumerate((pictures.permute(0, 2, 3, 1) * 255).round().byte().numpy()):
        top, left = i // columns * height, i % columns * width
        out[top:top + height, left:left + width] = pixels
    return Image.fromarray(out)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("sheet")
    options.add_argument("captions", nargs="*", default=CAPTIONS)
    options.add_argument("--folder")
    options.add_argument("--steps", type=int, default=SAMPLE_STEPS)
    options.add_argument("--guidance", type=float, default=GUIDANCE)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    model = Model.of_folder(chosen.folder) if chosen.folder else Model.newest()
    pictures = model.pictures(list(chosen.captions), steps=chosen.steps, guidance=chosen.guidance, seed=chosen.seed)
    sheet(pictures).save(chosen.sheet)


if __name__ == "__main__":
    main()
