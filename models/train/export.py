"""Write the newest checkpoint as an encoder folder in the Hugging Face CLIP layout (f16).

Input: .cache/run/last.pt and .cache/tokenizer.json. Output: config.json, preprocessor_config.json, tokenizer.json and
model.safetensors in the folder named; each file is replaced in one step. Deterministic.

Usage: export.py FOLDER
"""
import json
import os
import shutil
import sys

import torch
from safetensors.torch import save

import model as m
import tokens
from fetch import CACHE

CONFIG = {
    "architectures": ["CLIPModel"], "dtype": "float16", "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
    "model_type": "clip", "projection_dim": m.EMBED,
    "text_config": {
        "attention_dropout": 0.0, "bos_token_id": tokens.BOS, "eos_token_id": tokens.EOS, "hidden_act": "gelu",
        "hidden_size": m.WIDTH, "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 4 * m.WIDTH,
        "layer_norm_eps": 1e-05, "max_position_embeddings": m.POSITIONS, "model_type": "clip_text_model",
        "num_attention_heads": m.HEADS, "num_hidden_layers": m.TEXT_LAYERS, "pad_token_id": tokens.PAD,
        "projection_dim": m.EMBED, "vocab_size": m.VOCAB,
    },
    "vision_config": {
        "attention_dropout": 0.0, "hidden_act": "gelu", "hidden_size": m.WIDTH, "image_size": m.SIDE,
        "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 4 * m.WIDTH, "layer_norm_eps": 1e-05,
        "model_type": "clip_vision_model", "num_attention_heads": m.HEADS, "num_channels": 3,
        "num_hidden_layers": m.VISION_LAYERS, "patch_size": m.PATCH, "projection_dim": m.EMBED,
    },
}
PREPROCESSOR = {
    "size": {"height": m.SIDE, "width": m.SIDE}, "image_mean": [m.MEAN] * 3, "image_std": [m.STD] * 3, "do_normalize": True,
    "do_rescale": True, "rescale_factor": 1 / 255,
}


def put(path, data):
    with open(path + ".tmp", "wb") as f:
        f.write(data)
    os.replace(path + ".tmp", path)


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    saved = torch.load(os.path.join(CACHE, "run", "last.pt"))
    weights = {k: v.half().contiguous() for k, v in sorted(saved["model"].items())}
    assert all(v.isfinite().all() for v in weights.values())
    put(os.path.join(folder, "model.safetensors"), save(weights, {"format": "pt"}))
    put(os.path.join(folder, "config.json"), (json.dumps(CONFIG, indent=2) + "\n").encode())
    put(os.path.join(folder, "preprocessor_config.json"), (json.dumps(PREPROCESSOR) + "\n").encode())
    shutil.copyfile(tokens.PATH, os.path.join(folder, "tokenizer.json.tmp"))
    os.replace(os.path.join(folder, "tokenizer.json.tmp"), os.path.join(folder, "tokenizer.json"))
    print("exported step", saved["step"], "to", folder)


if __name__ == "__main__":
    main()
