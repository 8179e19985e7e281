"""Whether diffusers reads an exported folder and computes the same.

Input: an exported folder, and an environment with diffusers (no part of requirements.txt). Output: the largest differences; fails when a
parameter is missing or left over, or a difference exceeds LIMIT. Sizes other than the trained one are asked too. Deterministic.

Usage: parity.py FOLDER
"""
import sys

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from diffusion.sample import Model

LIMIT = 1e-4
SIDES = ((16, 16), (24, 16), (32, 32))  # of latents
SAMPLE_STEPS = 25


def loaded(kind, folder, name):
    net, report = kind.from_pretrained(folder, subfolder=name, output_loading_info=True, torch_dtype=torch.float32)
    wrong = {k: v for k, v in report.items() if v}
    assert not wrong, f"{name}: {wrong}"
    return net.eval()


def same(name, one, two):
    difference = (one - two).abs().max().item()
    print(f"{name:28}{difference:.1e}")
    assert difference <= LIMIT, name


@torch.inference_mode()
def compare(folder):
    ours, torch_seed = Model.of_folder(folder), torch.manual_seed(0)
    unet, vae = loaded(UNet2DConditionModel, folder, "unet"), loaded(AutoencoderKL, folder, "vae")
    assert vae.config.scaling_factor == ours.scale
    context = ours.texts.of(["a red star", ""])
    for height, width in SIDES:
        z, t = torch.randn(2, 4, height, width, generator=torch_seed), torch.tensor([7, 900])
        same(f"denoiser {height} x {width}", ours.unet(z, t, context), unet(z, t, encoder_hidden_states=context).sample)
        picture = torch.rand(2, 3, 4 * height, 4 * width, generator=torch_seed) * 2 - 1
        same(f"encoder {4 * height} x {4 * width}", ours.vae.encode(picture)[0], vae.encode(picture).latent_dist.mean)
        same(f"decoder {height} x {width}", ours.vae.decode(z), vae.decode(z).sample)
    schedule = DDIMScheduler.from_pretrained(folder, subfolder="scheduler")
    same("noise schedule", ours.alphas, schedule.alphas_cumprod)
    schedule.set_timesteps(SAMPLE_STEPS)
    z = noise = torch.randn(1, 4, 16, 16, generator=torch_seed)
    stride = 1000 // SAMPLE_STEPS
    for t in schedule.timesteps.tolist():
        noise = schedule.step(ours.unet(noise, torch.tensor([t]), context[:1]), t, noise).prev_sample
        z = ours.step(z, ours.unet(z, torch.tensor([t]), context[:1]), t, t - stride)
    same(f"{SAMPLE_STEPS} steps of DDIM", z, noise)


if __name__ == "__main__":
    compare(sys.argv[1])
