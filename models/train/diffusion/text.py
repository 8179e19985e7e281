"""The built-in encoder's text tower as the condition of the denoiser.

Input: captions. Output: token ids (n, 24), and the states (n, 24, 192) of all positions after the last normalisation, as CLIPTextModel
gives them. Padding is never masked: the denoiser looks at all 24 positions. Deterministic.
"""
import os

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn

from model import EOS, POSITIONS, SHIPPED, Text

ENCODER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "default")
BOS, PAD = EOS - 1, 0
PREFIX = "text_model."
_tokenizer = None


def ids_of(texts):
    """Token ids (n, 24): start, words, end, then padding; cut to the context."""
    global _tokenizer
    if _tokenizer is None:
        _tokenizer = Tokenizer.from_file(os.path.join(ENCODER, "tokenizer.json"))
    out = torch.full((len(texts), POSITIONS), PAD)
    for i, coded in enumerate(_tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        row = [BOS, *coded.ids[: POSITIONS - 2], EOS]
        out[i, : len(row)] = torch.tensor(row)
    return out


class TextStates(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = Text(SHIPPED)
        weights = load_file(os.path.join(ENCODER, "model.safetensors"))
        self.tower.load_state_dict({k[len(PREFIX):]: v.float() for k, v in weights.items() if k.startswith(PREFIX)})
        self.requires_grad_(False)

    def forward(self, ids):
        return self.tower.final_layer_norm(self.tower.encoder(self.tower.embeddings(ids.long())))

    def of(self, texts):
        with torch.inference_mode():
            return self(ids_of(texts))
