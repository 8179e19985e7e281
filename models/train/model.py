"""The two towers, with the parameter names of Hugging Face's CLIPModel.

Input: pictures (n, 3, 64, 64) in 0..1 and token ids; output: unit embeddings. The vision tower can leave patches out,
which makes a training step nearly as much cheaper as patches are missing.
"""
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

SIDE, VOCAB, POSITIONS, EOS = 64, 8192, 24, 8191
MEAN, STD = 0.5, 0.25


class Size(NamedTuple):
    width: int
    heads: int
    vision_layers: int
    text_layers: int
    embed: int
    patch: int

    @property
    def patches(self):
        return (SIDE // self.patch) ** 2


SHIPPED = Size(192, 3, 6, 3, 256, 8)
# The second opinion on edits: other patches, widths and depths, so that what fools the one need not fool the other.
JUDGE = Size(160, 5, 6, 2, 128, 16)


class Attention(nn.Module):
    def __init__(self, size, causal):
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(size.width, size.width) for _ in range(4))
        self.heads, self.causal = size.heads, causal

    def forward(self, x):
        n, t, c = x.shape
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        bias = torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias])
        q, k, v = F.linear(x, weight, bias).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out_proj(y.transpose(1, 2).reshape(n, t, c))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, size, causal):
        super().__init__()
        self.self_attn, self.layer_norm1 = Attention(size, causal), nn.LayerNorm(size.width)
        self.mlp, self.layer_norm2 = Mlp(size.width), nn.LayerNorm(size.width)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self, size, layers, causal):
        super().__init__()
        self.layers = nn.ModuleList(Layer(size, causal) for _ in range(layers))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class VisionEmbeddings(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(size.width) * 0.02)
        self.patch_embedding = nn.Conv2d(3, size.width, size.patch, size.patch, bias=False)
        self.position_embedding = nn.Embedding(size.patches + 1, size.width)
        self.position_embedding.weight.data.copy_(sine_positions(SIDE // size.patch, size.width))

    def forward(self, x):
        n, (width, _, patch, _) = len(x), self.patch_embedding.weight.shape
        grid = SIDE // patch
        cut = x.view(n, 3, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5).reshape(n, grid * grid, -1)
        patches = cut @ self.patch_embedding.weight.view(width, -1).T
        return torch.cat([self.class_embedding.expand(n, 1, width), patches], 1) + self.position_embedding.weight


def sine_positions(grid, width):
    """2-D sine-cosine start of the (learned) position table, as strong as a patch's signal."""
    omega = 10000 ** -(torch.arange(width // 4) / (width // 4))
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    parts = [f(p.reshape(-1, 1) * omega) for p in (x, y) for f in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, width), 0.3 * torch.cat(parts, 1)])


class Vision(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embeddings = VisionEmbeddings(size)
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.encoder = Encoder(size, size.vision_layers, False)

    def forward(self, x, kept=None):
        """`kept`: numbers (n, k) of the patches to look at; all when absent."""
        x = self.embeddings(x)
        if kept is not None:
            x = torch.cat([x[:, :1], x[:, 1:].gather(1, kept[..., None].expand(-1, -1, x.shape[-1]))], 1)
        x = self.encoder(self.pre_layrnorm(x))
        return self.post_layernorm(x[:, 0])


class TextEmbeddings(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(VOCAB, size.width), nn.Embedding(POSITIONS, size.width)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class Text(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embeddings, self.encoder = TextEmbeddings(size), Encoder(size, size.text_layers, True)
        self.final_layer_norm = nn.LayerNorm(size.width)

    def forward(self, ids):
        x = self.final_layer_norm(self.encoder(self.embeddings(ids)))
        return x[torch.arange(len(ids)), (ids == EOS).int().argmax(1)]


class Clip(nn.Module):
    def __init__(self, size=SHIPPED):
        super().__init__()
        self.text_model, self.vision_model = Text(size), Vision(size)
        self.visual_projection = nn.Linear(size.width, size.embed, bias=False)
        self.text_projection = nn.Linear(size.width, size.embed, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        for name, p in self.named_parameters():
            if p.dim() > 1 and "vision_model.embeddings.position" not in name:
                deep = name.endswith(("out_proj.weight", "fc2.weight"))
                nn.init.normal_(p, std=0.02 if "embedding" in name else (0.072 / (2 * size.vision_layers) ** 0.5 if deep else 0.072))

    def image(self, x, kept=None):
        return F.normalize(self.visual_projection(self.vision_model((x - MEAN) / STD, kept)), dim=-1)

    def text(self, ids):
        return F.normalize(self.text_projection(self.text_model(ids)), dim=-1)
