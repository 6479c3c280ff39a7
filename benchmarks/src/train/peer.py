"""PyTorch's side of the training benchmarks: steps, on command.

The same model as ours (GPT-2 without biases, tied head, dropout 0), in eager mode, with scaled_dot_product_attention
and the fused AdamW. Argument: the settings of cases.ts as JSON. It speaks the protocol of contestant.ts.
"""

import json
import math
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

settings = json.loads(sys.argv[1])
T, C, H, V = settings["contextLength"], settings["width"], settings["numHeads"], settings["vocabSize"]
B, L = settings["batchSize"], settings["numLayers"]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm = nn.LayerNorm(C, bias=False)
        self.qkv = nn.Linear(C, 3 * C, bias=False)
        self.output = nn.Linear(C, C, bias=False)
        self.feed_forward_norm = nn.LayerNorm(C, bias=False)
        self.up = nn.Linear(C, 4 * C, bias=False)
        self.down = nn.Linear(4 * C, C, bias=False)

    def forward(self, x):
        batch, time_, _ = x.shape
        q, k, v = (
            part.view(batch, time_, H, C // H).transpose(1, 2)
            for part in self.qkv(self.attention_norm(x)).split(C, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(y.transpose(1, 2).reshape(batch, time_, C))
        return x + self.down(F.gelu(self.up(self.feed_forward_norm(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding = nn.Embedding(V, C)
        self.position_embedding = nn.Embedding(T, C)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.final_norm = nn.LayerNorm(C, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                projection = name.endswith(("output.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * L) if projection else 0.02)

    def forward(self, ids, targets):
        x = self.token_embedding(ids) + self.position_embedding.weight
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if settings["checkpointing"] else block(x)
        logits = self.final_norm(x) @ self.token_embedding.weight.T
        return F.cross_entropy(logits.view(-1, V), targets.view(-1))


def optimizer_of(model):
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=True)


def say(answer):
    print(json.dumps(answer), flush=True)


torch.set_num_threads(settings["threads"])
torch.manual_seed(1)
model = Gpt()
optimizer = optimizer_of(model)
course = settings.get("course")
data = torch.randint(V, (100_000,)) if course is None else torch.from_numpy(np.fromfile(course["ids"], np.int32)).long()
split = len(data) if course is None else course["trainingTokens"]
training, validation = data[:split], data[split:]
steps_done = 0


def learning_rate(iteration):
    """That of examples/shakespeare, nanoGPT's get_lr."""
    if course is None:
        return 1e-3
    steps, warmup, peak = course["steps"], course["warmupSteps"], course["learningRate"]
    if iteration < warmup:
        return peak * (iteration + 1) / (warmup + 1)
    ratio = (iteration - warmup) / (steps - warmup)
    return peak * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * ratio)))


def batch(source, starts):
    ids = torch.stack([source[i : i + T] for i in starts])
    return ids, torch.stack([source[i + 1 : i + 1 + T] for i in starts])


def step():
    global steps_done
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(steps_done)
    steps_done += 1
    optimizer.zero_grad(set_to_none=True)
    loss = model(*batch(training, torch.randint(len(training) - T, (B,)).tolist()))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def evaluate():
    """The mean loss over at most 20 batches that are spread evenly over the validation text."""
    stride = max(T, math.ceil((len(validation) - T) / (20 * B)))
    starts = range(0, len(validation) - T, stride)
    total = 0.0
    for i in range(0, len(starts), B):
        chosen = starts[i : i + B]
        total += model(*batch(validation, chosen)).item() * len(chosen)
    return total / len(starts)


square = torch.rand(1024, 1024)


def product():
    """2 · 1024³ operations: how fast this machine multiplies."""
    return torch.mm(square, square)[0, 0].item()


kinds_of_work = {"step": step, "evaluate": evaluate, "product": product}


def run(count, work="step"):
    milliseconds, check = [], math.nan
    for _ in range(count):
        started = time.perf_counter()
        check = kinds_of_work[work]()
        milliseconds.append(1000 * (time.perf_counter() - started))
    return {"milliseconds": milliseconds, "check": check}


def memory():
    # Linux counts the peak in kilobytes, macOS in bytes; only Linux says how much it is now.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    try:
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        now = peak
    return {"rssBytes": now, "peakRssBytes": peak}


say({"name": f"torch {torch.__version__.split('+')[0]}, {settings['threads']} threads"})
for line in sys.stdin:
    command, *arguments = line.split()
    say(memory() if command == "memory" else run(int(arguments[0]), *arguments[1:]))
