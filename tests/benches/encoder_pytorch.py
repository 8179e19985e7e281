"""PyTorch's figures for tests/benches/encoder.rs: ViT-B/32 image tower, forward and input gradient.

Run: python tests/benches/encoder_pytorch.py [batch] [runs] [threads]
Prints wall and CPU milliseconds (medians); compare CPU time when the machine is not quiet.
"""
import os
import statistics
import sys
import time

import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

batch, runs, threads = [int(v) for v in (sys.argv[1:] + ["16", "5", "2"][len(sys.argv) - 1:])]
torch.set_num_threads(threads)
net = CLIPVisionModelWithProjection(CLIPVisionConfig(hidden_size=768, intermediate_size=3072, projection_dim=512,
                                    num_attention_heads=12, num_hidden_layers=12, patch_size=32)).eval()
net.requires_grad_(False)
pixels = torch.randn(batch, 3, 224, 224)


def timed(step):
    wall, cpu = [], []
    for run in range(runs + 1):
        start, times = time.perf_counter(), os.times()
        step()
        now = os.times()
        if run:
            wall.append((time.perf_counter() - start) * 1e3)
            cpu.append((now.user + now.system - times.user - times.system) * 1e3)
    return statistics.median(wall), statistics.median(cpu), min(cpu)


def forward():
    with torch.no_grad():
        net(pixel_values=pixels)


def both():
    x = pixels.clone().requires_grad_()
    net(pixel_values=x).image_embeds.sum().backward()


for name, step in (("forward", forward), ("forward + gradient", both)):
    print("pytorch %s, batch %d, %d threads: wall %.0f ms, cpu %.0f ms (least %.0f)" % (name, batch, threads, *timed(step)))
