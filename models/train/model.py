"""The two towers, with the parameter names of Hugging Face's CLIPModel.

Input: pictures (n, 3, 64, 64) in 0..1 and token ids; output: unit embeddings. The vision tower can leave patches out,
which makes a training step nearly as much cheaper as patches are missing.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEADS, VISION_LAYERS, TEXT_LAYERS, EMBED = 192, 3, 6, 3, 256
SIDE, PATCH, VOCAB, POSITIONS, EOS = 64, 8, 8192, 24, 8191
MEAN, STD = 0.5, 0.25


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.causal = causal

    def forward(self, x):
        n, t, c = x.shape
        weight = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        bias = torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias])
        q, k, v = F.linear(x, weight, bias).view(n, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out_proj(y.transpose(1, 2).reshape(n, t, c))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.self_attn, self.layer_norm1 = Attention(causal), nn.LayerNorm(WIDTH)
        self.mlp, self.layer_norm2 = Mlp(), nn.LayerNorm(WIDTH)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Encoder(nn.Module):
    def __init__(self, layers, causal):
        super().__init__()
        self.layers = nn.ModuleList(Layer(causal) for _ in range(layers))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class VisionEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.patch_embedding = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.position_embedding = nn.Embedding((SIDE // PATCH) ** 2 + 1, WIDTH)
        self.position_embedding.weight.data.copy_(sine_positions(SIDE // PATCH))

    def forward(self, x):
        n, grid = len(x), SIDE // PATCH
        cut = x.view(n, 3, grid, PATCH, grid, PATCH).permute(0, 2, 4, 1, 3, 5).reshape(n, grid * grid, -1)
        patches = cut @ self.patch_embedding.weight.view(WIDTH, -1).T
        return torch.cat([self.class_embedding.expand(n, 1, WIDTH), patches], 1) + self.position_embedding.weight


def sine_positions(grid):
    """2-D sine-cosine start of the (learned) position table, as strong as a patch's signal."""
    omega = 10000 ** -(torch.arange(WIDTH // 4) / (WIDTH // 4))
    y, x = torch.meshgrid(torch.arange(grid), torch.arange(grid), indexing="ij")
    parts = [f(p.reshape(-1, 1) * omega) for p in (x, y) for f in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, WIDTH), 0.3 * torch.cat(parts, 1)])


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = VisionEmbeddings()
        self.pre_layrnorm, self.post_layernorm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.encoder = Encoder(VISION_LAYERS, False)

    def forward(self, x, kept=None):
        """`kept`: numbers (n, k) of the patches to look at; all when absent."""
        x = self.embeddings(x)
        if kept is not None:
            x = torch.cat([x[:, :1], x[:, 1:].gather(1, kept[..., None].expand(-1, -1, WIDTH))], 1)
        x = self.encoder(self.pre_layrnorm(x))
        return self.post_layernorm(x[:, 0])


class TextEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(VOCAB, WIDTH), nn.Embedding(POSITIONS, WIDTH)

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings, self.encoder = TextEmbeddings(), Encoder(TEXT_LAYERS, True)
        self.final_layer_norm = nn.LayerNorm(WIDTH)

    def forward(self, ids):
        x = self.final_layer_norm(self.encoder(self.embeddings(ids)))
        return x[torch.arange(len(ids)), (ids == EOS).int().argmax(1)]


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.text_model, self.vision_model = Text(), Vision()
        self.visual_projection = nn.Linear(WIDTH, EMBED, bias=False)
        self.text_projection = nn.Linear(WIDTH, EMBED, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        for name, p in self.named_parameters():
            if p.dim() > 1 and "vision_model.embeddings.position" not in name:
                deep = name.endswith(("out_proj.weight", "fc2.weight"))
                nn.init.normal_(p, std=0.02 if "embedding" in name else (0.072 / (2 * VISION_LAYERS) ** 0.5 if deep else 0.072))

    def image(self, x, kept=None):
        return F.normalize(self.visual_projection(self.vision_model((x - MEAN) / STD, kept)), dim=-1)

    def text(self, ids):
        return F.normalize(self.text_projection(self.text_model(ids)), dim=-1)
