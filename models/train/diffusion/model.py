"""Autoencoder, denoiser and noise schedule with the parameter names of Stable Diffusion 1.x as diffusers writes them.

Input: pictures (n, 3, h, w) in -1..1, latents (n, 4, h / 4, w / 4), timesteps (n) and text states (n, 24, 192). Output: latents, pictures
and predicted noise. Everything is convolution and attention, so any size that is a multiple of 16 pixels goes through.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

UNET = {
    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": 2, "block_out_channels": [64, 96, 160],
    "center_input_sample": False, "cross_attention_dim": 192,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], "downsample_padding": 1,
    "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4, "layers_per_block": 1, "mid_block_scale_factor": 1,
    "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 16,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
}
# Eight groups, not 32: with one or two channels a group the last normalisation would forget how bright a flat picture is.
VAE = {
    "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": [32, 64, 96], "down_block_types": ["DownEncoderBlock2D"] * 3,
    "in_channels": 3, "latent_channels": 4, "layers_per_block": 1, "norm_num_groups": 8, "out_channels": 3, "sample_size": 64,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
}
SCHEDULER = {
    "_class_name": "DDIMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
    "num_train_timesteps": 1000, "prediction_type": "epsilon", "set_alpha_to_one": False, "steps_offset": 0,
}
STEPS, LATENT, FACTOR = SCHEDULER["num_train_timesteps"], 4, 4
VAE_EPS = 1e-6


def alphas_cumprod():
    """Share of the signal's power that is left at each timestep."""
    betas = torch.linspace(SCHEDULER["beta_start"] ** 0.5, SCHEDULER["beta_end"] ** 0.5, STEPS, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0).float()


class Resnet(nn.Module):
    def __init__(self, inner, outer, groups, eps, time=None):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, inner, eps), nn.Conv2d(inner, outer, 3, padding=1)
        if time:
            self.time_emb_proj = nn.Linear(time, outer)
        self.norm2, self.conv2 = nn.GroupNorm(groups, outer, eps), nn.Conv2d(outer, outer, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inner, outer, 1) if inner != outer else None

    def forward(self, x, time=None):
        y = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            y = y + self.time_emb_proj(F.silu(time))[:, :, None, None]
        y = self.conv2(F.silu(self.norm2(y)))
        return y + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    """Multi-head attention of x over context (over x itself when there is none)."""

    def __init__(self, width, heads, context=None, bias=False):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k, self.to_v = (nn.Linear(context or width, width, bias=bias) for _ in range(2))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, context=None):
        context = x if context is None else context
        q, k, v = self.split(self.to_q(x)), self.split(self.to_k(context)), self.split(self.to_v(context))
        # written out: on a processor the gradient of the fused operation takes longer than all the rest of a step
        weights = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1, dtype=torch.float32).to(v.dtype)
        return self.to_out[0]((weights @ v).transpose(1, 2).flatten(2))


class Geglu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Linear(width, 8 * width)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Geglu(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.norm1, self.attn1 = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.attn2 = nn.LayerNorm(width), Attention(width, heads, context)
        self.norm3, self.ff = nn.LayerNorm(width), FeedForward(width)

    def forward(self, x, context):
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer(nn.Module):
    """Self-attention, attention to the text and a gated layer over all positions of a map."""

    def __init__(self, width, config):
        super().__init__()
        self.norm = nn.GroupNorm(config["norm_num_groups"], width, 1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, config["attention_head_dim"], config["cross_attention_dim"])])

    def forward(self, x, context):
        y = self.proj_in(self.norm(x))
        size = y.shape[2:]
        y = self.transformer_blocks[0](y.flatten(2).transpose(1, 2), context)
        return x + self.proj_out(y.transpose(1, 2).unflatten(2, size))


class Down(nn.Module):
    def __init__(self, width, padding=1):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 2, padding)

    def forward(self, x):
        return self.conv(x if self.conv.padding[0] else F.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class DownBlock(nn.Module):
    """`attentive`: a transformer after each residual block."""

    def __init__(self, inner, outer, time, attentive, last, config):
        super().__init__()
        widths = [inner] + [outer] * config["layers_per_block"]
        self.resnets = nn.ModuleList(Resnet(a, b, config["norm_num_groups"], config["norm_eps"], time) for a, b in zip(widths, widths[1:]))
        self.attentions = nn.ModuleList(Transformer(outer, config) for _ in self.resnets) if attentive else None
        self.downsamplers = None if last else nn.ModuleList([Down(outer)])

    def forward(self, x, time, context):
        kept = []
        for i, resnet in enumerate(self.resnets):
            x = resnet(x, time)
            x = self.attentions[i](x, context) if self.attentions else x
            kept.append(x)
        if self.downsamplers:
            x = self.downsamplers[0](x)
            kept.append(x)
        return x, kept


class UpBlock(nn.Module):
    """`skips`: widths of the maps of the way down, in the order in which they are used up."""

    def __init__(self, inner, outer, skips, time, attentive, last, config):
        super().__init__()
        widths = [inner] + [outer] * (len(skips) - 1)
        self.resnets = nn.ModuleList(
            Resnet(a + b, outer, config["norm_num_groups"], config["norm_eps"], time) for a, b in zip(widths, skips))
        self.attentions = nn.ModuleList(Transformer(outer, config) for _ in self.resnets) if attentive else None
        self.upsamplers = None if last else nn.ModuleList([Up(outer)])

    def forward(self, x, kept, time, context):
        for i, resnet in enumerate(self.resnets):
            x = resnet(torch.cat([x, kept.pop()], 1), time)
            x = self.attentions[i](x, context) if self.attentions else x
        return self.upsamplers[0](x) if self.upsamplers else x


class MidBlock(nn.Module):
    def __init__(self, width, time, config):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(width, width, config["norm_num_groups"], config["norm_eps"], time) for _ in range(2))
        self.attentions = nn.ModuleList([Transformer(width, config)])

    def forward(self, x, time, context):
        return self.resnets[1](self.attentions[0](self.resnets[0](x, time), context), time)


class TimeEmbedding(nn.Module):
    """Sines and cosines of the timestep, in f32 whatever the rest computes in, then two layers."""

    def __init__(self, width):
        super().__init__()
        self.width = width
        self.linear_1, self.linear_2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, 4 * width)

    def forward(self, t):
        half = self.width // 2
        angles = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
        waves = torch.cat([angles.cos(), angles.sin()], 1).to(self.linear_1.weight.dtype)
        return self.linear_2(F.silu(self.linear_1(waves)))


class UNet(nn.Module):
    def __init__(self, config=UNET):
        super().__init__()
        widths, layers, time = config["block_out_channels"], config["layers_per_block"], 4 * config["block_out_channels"][0]
        last = len(widths) - 1
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0])
        attentive = ["CrossAttn" in kind for kind in config["down_block_types"]]
        inner = [widths[0], *widths]
        self.down_blocks = nn.ModuleList(DownBlock(inner[i], w, time, attentive[i], i == last, config) for i, w in enumerate(widths))
        self.mid_block = MidBlock(widths[-1], time, config)
        attentive = ["CrossAttn" in kind for kind in config["up_block_types"]]
        wide, before = widths[::-1], [widths[-1], *widths[::-1]]
        # The last map that a block takes is the one its counterpart on the way down began with.
        self.up_blocks = nn.ModuleList(
            UpBlock(before[i], w, [w] * layers + [inner[last - i]], time, attentive[i], i == last, config) for i, w in enumerate(wide))
        self.conv_norm_out = nn.GroupNorm(config["norm_num_groups"], widths[0], config["norm_eps"])
        self.conv_out = nn.Conv2d(widths[0], config["out_channels"], 3, padding=1)

    def forward(self, x, t, context):
        time, x = self.time_embedding(t), self.conv_in(x)
        kept = [x]
        for block in self.down_blocks:
            x, more = block(x, time, context)
            kept += more
        x = self.mid_block(x, time, context)
        for block in self.up_blocks:
            x = block(x, kept, time, context)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class VaeAttention(Attention):
    def __init__(self, width, groups):
        super().__init__(width, 1, bias=True)
        self.group_norm = nn.GroupNorm(groups, width, VAE_EPS)

    def forward(self, x):
        y = super().forward(self.group_norm(x).flatten(2).transpose(1, 2))
        return x + y.transpose(1, 2).unflatten(2, x.shape[2:])


class VaeMid(nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(width, width, groups, VAE_EPS) for _ in range(2))
        self.attentions = nn.ModuleList([VaeAttention(width, groups)])

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class VaeBlock(nn.Module):
    """Residual blocks and, but for the last block, a change of size."""

    def __init__(self, inner, outer, layers, groups, change):
        super().__init__()
        widths = [inner] + [outer] * layers
        self.resnets = nn.ModuleList(Resnet(a, b, groups, VAE_EPS) for a, b in zip(widths, widths[1:]))
        if change:
            name, module = change
            self.add_module(name, nn.ModuleList([module]))
        self.change = change and change[0]

    def forward(self, x):
        for resnet in self.resnets:
            x = resnet(x)
        return getattr(self, self.change)[0](x) if self.change else x


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            VaeBlock(a, b, config["layers_per_block"], groups, i + 1 < len(widths) and ("downsamplers", Down(b, 0)))
            for i, (a, b) in enumerate(zip([widths[0], *widths], widths)))
        self.mid_block = VaeMid(widths[-1], groups)
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], VAE_EPS)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for block in self.down_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(self.mid_block(x))))


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, groups = config["block_out_channels"][::-1], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(config["latent_channels"], widths[0], 3, padding=1)
        self.mid_block = VaeMid(widths[0], groups)
        self.up_blocks = nn.ModuleList(
            VaeBlock(a, b, config["layers_per_block"] + 1, groups, i + 1 < len(widths) and ("upsamplers", Up(b)))
            for i, (a, b) in enumerate(zip([widths[0], *widths], widths)))
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], VAE_EPS)
        self.conv_out = nn.Conv2d(widths[-1], config["out_channels"], 3, padding=1)

    def forward(self, x):
        x = self.mid_block(self.conv_in(x))
        for block in self.up_blocks:
            x = block(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Vae(nn.Module):
    def __init__(self, config=VAE):
        super().__init__()
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        channels = config["latent_channels"]
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * channels, 2 * channels, 1), nn.Conv2d(channels, channels, 1)

    def encode(self, x):
        """Mean and logarithm of the variance, unscaled."""
        mean, spread = self.quant_conv(self.encoder(x)).chunk(2, 1)
        return mean, spread.clamp(-30, 20)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))

    def forward(self, x, noise):
        """Picture, mean and logarithm of the variance of the way through; `noise` (n, 4, h / 4, w / 4) draws the latent."""
        mean, spread = self.encode(x)
        return self.decode(mean + (0.5 * spread).exp() * noise), mean, spread


def parameters_of(module):
    return sum(p.numel() for p in module.parameters())
