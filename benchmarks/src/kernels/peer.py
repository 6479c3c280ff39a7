"""PyTorch's side of the benchmark of kernels: one operation so many times, on command.

Argument: the settings of cases.ts as JSON. It speaks the protocol of contestant.ts; the work "3:20" is the case of
index 3, twenty times.
"""

import json
import sys
import time

import torch
from torch.nn import functional as F

settings = json.loads(sys.argv[1])
torch.set_num_threads(settings["threads"])
torch.manual_seed(1)


def random(*shape, learned=True):
    return (0.1 * torch.randn(*shape)).requires_grad_(learned)


def differentiated(f, inputs, dy):
    """f, and its gradients, made anew each time."""

    def run():
        torch.autograd.grad(f(), inputs, dy)

    return run


def prepare(operation, backward, sizes, transposed=None, **_):
    B, T, C, H, L, V = (sizes.get(name, 1) for name in "BTCHLV")
    N = B * T
    if operation == "product":
        m, k, n = sizes["m"], sizes["k"], sizes["n"]
        a = random(k, m, learned=False).T if transposed == "a" else random(m, k, learned=False)
        b = random(n, k, learned=False).T if transposed == "b" else random(k, n, learned=False)
        return lambda: torch.mm(a, b)
    if operation == "adamw":
        return adamw(B, T, C, H, L, V)
    if operation == "linear":
        x, weight = random(N, C), random(4 * C, C)
        f, inputs, dy = lambda: F.linear(x, weight), [x, weight], random(N, 4 * C, learned=False)
    elif operation == "attention":
        qkv = random(B, T, 3 * C)
        f, inputs, dy = lambda: attention(qkv, B, T, C, H), [qkv], random(B, T, C, learned=False)
    elif operation == "layerNorm":
        x, scale = random(N, C), random(C)
        f, inputs, dy = lambda: F.layer_norm(x, (C,), scale), [x, scale], random(N, C, learned=False)
    elif operation == "gelu":
        x = random(N, 4 * C)
        f, inputs, dy = lambda: F.gelu(x, approximate="tanh"), [x], random(N, 4 * C, learned=False)
    else:
        hidden, weight, targets = random(N, C), random(V, C), torch.ones(N, dtype=torch.long)
        f, dy = lambda: F.cross_entropy(hidden @ weight.T, targets, reduction="sum"), torch.tensor(1.0)
        inputs = [hidden, weight]
    if backward:
        return differentiated(f, inputs, dy)
    for tensor in inputs:
        tensor.requires_grad_(False)
    return f


def attention(qkv, B, T, C, H):
    q, k, v = (part.view(B, T, H, C // H).transpose(1, 2) for part in qkv.split(C, dim=2))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C)


def adamw(B, T, C, H, L, V):
    block = [(C,), (C, 3 * C), (C, C), (C,), (C, 4 * C), (4 * C, C)]
    parameters = [random(*shape) for shape in [(V, C), (T, C), *block * L, (C,)]]
    for parameter in parameters:
        parameter.grad = random(*parameter.shape, learned=False)
    return torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True).step


prepared = (None, None)


def run(count, work):
    global prepared
    index, times = map(int, work.split(":"))
    if prepared[0] != index:
        prepared = (None, None)  # frees the operands of the case before
        prepared = (index, prepare(**settings["cases"][index]))
    milliseconds = []
    for _ in range(count):
        started = time.perf_counter()
        for _ in range(times):
            prepared[1]()
        milliseconds.append(1000 * (time.perf_counter() - started))
    return {"milliseconds": milliseconds, "check": 0}


def say(answer):
    print(json.dumps(answer), flush=True)


say({"name": f"torch {torch.__version__.split('+')[0]}, {settings['threads']} threads"})
for line in sys.stdin:
    command, *arguments = line.split()
    say({} if command == "memory" else run(int(arguments[0]), arguments[1]))
