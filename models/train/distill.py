"""The sentence model (all-MiniLM-L6-v2) as the text tower's teacher.

Input: .cache/corpus.txt and the sentence model. Output: .cache/teacher.pt (ids and teacher vectors of every text, f16).
`Teacher` hands them to the training. Deterministic.
"""
import os
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import nn

from data import tokens
from data.fetch import CACHE, TEACHER

TEACHER_WIDTH = 384


@torch.inference_mode()
def teach(texts):
    """Mean-pooled unit vectors of the sentence model, (n, 384) f16."""
    from transformers import BertModel
    bert = BertModel.from_pretrained(TEACHER).eval()
    tok = Tokenizer.from_file(os.path.join(TEACHER, "tokenizer.json"))
    tok.enable_truncation(48)
    tok.no_padding()
    codes = [e.ids for e in tok.encode_batch(texts)]
    order = sorted(range(len(codes)), key=lambda i: len(codes[i]))
    out = torch.empty(len(codes), TEACHER_WIDTH, dtype=torch.float16)
    for start in range(0, len(order), 256):
        part = order[start:start + 256]
        longest = max(len(codes[i]) for i in part)
        ids = torch.tensor([codes[i] + [0] * (longest - len(codes[i])) for i in part])
        mask = (torch.arange(longest) < torch.tensor([[len(codes[i])] for i in part])).float()
        hidden = bert(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out[part] = F.normalize(pooled, dim=-1).half()
    return out


class Teacher:
    """Batches of texts of like length with their vectors, and the linear read-out that is compared with them."""

    def __init__(self, embed):
        data = torch.load(os.path.join(CACHE, "teacher.pt"))
        self.ids, self.vectors = data["ids"], data["vectors"]
        self.lengths = (self.ids != 0).sum(1)
        self.order = self.lengths.argsort(stable=True)
        self.head = nn.Linear(embed, TEACHER_WIDTH, bias=False)

    def pick(self, count, step, rank):
        """Ids and teacher vectors; all ranks draw from the same window of lengths."""
        window = min(len(self.order), count * 64)
        plan = torch.Generator().manual_seed(step)
        start = int(torch.randint(len(self.order) - window + 1, (), generator=plan))
        generator = torch.Generator().manual_seed(1000003 * (rank + 1) + step)
        rows = self.order[start + torch.randperm(window, generator=generator)[:count]]
        return self.ids[rows, : int(self.lengths[rows].max())].long(), self.vectors[rows].float()

    def loss(self, student, target):
        """Cosine of the read-out with the teacher, and likeness of all pairs; also the bare cosine."""
        cosine = (F.normalize(self.head(student), dim=-1) * target).sum(-1).mean()
        return 1 - cosine + 10 * F.mse_loss(student @ student.T, target @ target.T), cosine


def main():
    began = time.time()
    with open(os.path.join(CACHE, "corpus.txt")) as f:
        texts = f.read().split("\n")
    ids = torch.from_numpy(tokens.encode(texts)).short()
    torch.save({"ids": ids, "vectors": teach(texts)}, os.path.join(CACHE, "teacher.pt"))
    print(f"teacher vectors of {len(texts)} texts in {time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
