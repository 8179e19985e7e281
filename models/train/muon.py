"""Muon for the matrices of the transformer layers: momentum, made orthogonal by Newton-Schulz steps.

The matrices are dealt out among the ranks; each rank orthogonalises its own and the updates are summed. Learns more from
few samples than Adam does. The step is SIZE times the learning rate for a typical weight. Deterministic.
"""
import torch
import torch.distributed as dist

MOMENTUM, SIZE = 0.95, 0.4
# Polar Express coefficients: three steps bring the singular values near one.
STEPS = ((8.2872, -23.5959, 17.3004), (4.1071, -2.9478, 0.5448), (3.9487, -2.9089, 0.5518))


def orthogonal(g):
    """The nearest half-orthogonal matrix, roughly."""
    x = g.T if g.shape[0] > g.shape[1] else g
    x = x / (1.02 * x.norm() + 1e-7)
    for a, b, c in STEPS:
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if g.shape[0] > g.shape[1] else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, weight_decay, rank, ranks):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.rank, self.ranks = rank, ranks

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            updates = []
            for i, p in enumerate(params):
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                state["momentum"].lerp_(p.grad, 1 - MOMENTUM)
                if i % self.ranks == self.rank:
                    updates.append(orthogonal(p.grad.lerp(state["momentum"], MOMENTUM)).flatten().cpu())
                else:
                    updates.append(torch.zeros(p.numel()))
            flat = torch.cat(updates)
            dist.all_reduce(flat)
            start = 0
            for p in params:
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(flat[start:start + p.numel()].view_as(p).to(p.device), alpha=-group["lr"] * SIZE * max(p.shape) ** 0.5)
                start += p.numel()
