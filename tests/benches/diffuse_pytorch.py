"""The other side of `linocut bench diffuse`: diffusers' denoiser of Stable Diffusion 1.5, random weights, gradient of latent and text alone.

Run: python tests/benches/diffuse_pytorch.py [side] [runs] [threads]
"""
import sys
import time

import diffusers
import torch

side, runs, threads = (int(a) for a in (sys.argv[1:] + ["256", "3", "2"][len(sys.argv) - 1:]))
torch.set_num_threads(threads)
torch.manual_seed(1)
kinds = ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"], ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3
net = diffusers.UNet2DConditionModel(
    sample_size=64, block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=768, attention_head_dim=8, down_block_types=kinds[0],
    up_block_types=kinds[1]).requires_grad_(False).eval()
latent, context = torch.randn(1, 4, side // 8, side // 8), torch.randn(1, 77, 768)


def forward():
    with torch.no_grad():
        net(latent, 500, context)


def both():
    z, c = latent.clone().requires_grad_(), context.clone().requires_grad_()
    noise = net(z, 500, c).sample
    torch.autograd.grad(noise, (z, c), noise.detach())


for name, step in (("forward", forward), ("forward and gradient", both)):
    step()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print("pytorch %s, %d pixels, %d threads: median %.0f ms" % (name, side, threads, sorted(times)[len(times) // 2] * 1e3))
