"""Write the newest checkpoint's averaged weights as an encoder folder in the Hugging Face CLIP layout (f16).

Input: .cache/run/last.pt (the judge: .cache/judge/last.pt) and .cache/tokenizer.json. Output: config.json,
preprocessor_config.json, tokenizer.json and model.safetensors in the folder named; each file is replaced in one step.
Deterministic.

Usage: export.py FOLDER [--judge]
"""
import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save

import model as m
from data import tokens
from train import ENCODER_PLAN, JUDGE_PLAN

PREPROCESSOR = {
    "size": {"height": m.SIDE, "width": m.SIDE}, "image_mean": [m.MEAN] * 3, "image_std": [m.STD] * 3, "do_normalize": True,
    "do_rescale": True, "rescale_factor": 1 / 255,
}


def config(size):
    tower = {
        "attention_dropout": 0.0, "hidden_act": "gelu", "hidden_size": size.width, "initializer_factor": 1.0, "initializer_range": 0.02,
        "intermediate_size": 4 * size.width, "layer_norm_eps": 1e-05, "num_attention_heads": size.heads, "projection_dim": size.embed,
    }
    text = {
        "bos_token_id": tokens.BOS, "eos_token_id": tokens.EOS, "max_position_embeddings": m.POSITIONS, "model_type": "clip_text_model",
        "num_hidden_layers": size.text_layers, "pad_token_id": tokens.PAD, "vocab_size": m.VOCAB,
    }
    vision = {
        "image_size": m.SIDE, "model_type": "clip_vision_model", "num_channels": 3, "num_hidden_layers": size.vision_layers,
        "patch_size": size.patch,
    }
    return {
        "architectures": ["CLIPModel"], "dtype": "float16", "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
        "model_type": "clip", "projection_dim": size.embed, "text_config": dict(sorted({**tower, **text}.items())),
        "vision_config": dict(sorted({**tower, **vision}.items())),
    }


def put(path, data):
    with open(path + ".tmp", "wb") as f:
        f.write(data)
    os.replace(path + ".tmp", path)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--judge", action="store_true")
    chosen = options.parse_args()
    folder, plan = chosen.folder, JUDGE_PLAN if chosen.judge else ENCODER_PLAN
    os.makedirs(folder, exist_ok=True)
    saved = torch.load(os.path.join(plan.folder, "last.pt"))
    weights = {k: v.half().contiguous() for k, v in sorted(saved["average"].items())}
    assert all(v.isfinite().all() for v in weights.values())
    put(os.path.join(folder, "model.safetensors"), save(weights, {"format": "pt"}))
    put(os.path.join(folder, "config.json"), (json.dumps(config(plan.size), indent=2) + "\n").encode())
    put(os.path.join(folder, "preprocessor_config.json"), (json.dumps(PREPROCESSOR) + "\n").encode())
    shutil.copyfile(tokens.PATH, os.path.join(folder, "tokenizer.json.tmp"))
    os.replace(os.path.join(folder, "tokenizer.json.tmp"), os.path.join(folder, "tokenizer.json"))
    print("exported step", saved["step"], "to", folder)


if __name__ == "__main__":
    main()
