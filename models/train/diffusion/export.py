"""Write the newest averaged weights as a folder in the layout of Stable Diffusion 1.x (f16).

Input: the checkpoints of vae.py and train.py, and the shards for the latents' scale. Output: model_index.json, unet/, vae/, scheduler/,
text_encoder/ and tokenizer/. The text tower is the built-in encoder's: its folders hold a configuration that names the files in
models/default (relative to the folder that names them) instead of a second copy; --whole copies them in, for programs that know
nothing of that. Each file is replaced in one step. Deterministic.

Usage: export.py FOLDER [--whole]
"""
import argparse
import json
import os

from safetensors.torch import load_file, save

from diffusion import data, loop, train, vae
from diffusion import model as m
from diffusion.text import BOS, ENCODER, PAD, PREFIX
from export import put
from model import EOS, POSITIONS

INDEX = {
    "_class_name": "StableDiffusionPipeline", "feature_extractor": [None, None], "requires_safety_checker": False, "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"], "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
}
TOKENIZER = {
    "add_prefix_space": False, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "model_max_length": POSITIONS,
    "pad_token": "<unk>", "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "<unk>",
}


def put_json(folder, name, value):
    os.makedirs(folder, exist_ok=True)
    put(os.path.join(folder, name), (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def put_weights(folder, name, weights):
    weights = {k: v.half().contiguous() for k, v in sorted(weights.items())}
    assert all(v.isfinite().all() for v in weights.values())
    put(os.path.join(folder, name), save(weights, {"format": "pt"}))


def text_config():
    with open(os.path.join(ENCODER, "config.json")) as f:
        config = json.load(f)["text_config"]
    return {**config, "architectures": ["CLIPTextModel"], "bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "dtype": "float16"}


def put_text(folder, whole):
    """Configurations of tower and tokenizer, with the files themselves or with where they are."""
    tower, tokenizer = os.path.join(folder, "text_encoder"), os.path.join(folder, "tokenizer")
    refer = lambda start, name: {} if whole else {"file": os.path.relpath(os.path.join(ENCODER, name), start).replace(os.sep, "/")}
    put_json(tower, "config.json", {**text_config(), **refer(tower, "model.safetensors")})
    put_json(tokenizer, "tokenizer_config.json", {**TOKENIZER, **refer(tokenizer, "tokenizer.json")})
    if whole:
        weights = load_file(os.path.join(ENCODER, "model.safetensors"))
        put_weights(tower, "model.safetensors", {k: v for k, v in weights.items() if k.startswith(PREFIX)})
        with open(os.path.join(ENCODER, "tokenizer.json"), "rb") as f:
            put(os.path.join(tokenizer, "tokenizer.json"), f.read())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("--whole", action="store_true")
    chosen = options.parse_args()
    scale = data.Latents().scale()
    for name, net, config in (("unet", loop.load_average(train.newest())[0], m.UNET), ("vae", vae.trained(), {**m.VAE, "scaling_factor": scale})):
        folder = os.path.join(chosen.folder, name)
        put_json(folder, "config.json", config)
        put_weights(folder, "diffusion_pytorch_model.safetensors", net.state_dict())
    put_json(os.path.join(chosen.folder, "scheduler"), "scheduler_config.json", m.SCHEDULER)
    put_json(chosen.folder, "model_index.json", INDEX)
    put_text(chosen.folder, chosen.whole)


if __name__ == "__main__":
    main()
