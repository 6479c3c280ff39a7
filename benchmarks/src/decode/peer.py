"""PyTorch's side of the decoding benchmark: prompts and steps of GPT-2, on command.

Arguments: the model's folder, threads, tokens of the prompt, new tokens. `run n prefill` reads the prompt n times,
`run n decode` writes the new tokens n times after it. It speaks the protocol of contestant.ts.
"""

import json
import resource
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

folder, threads, prompt_length, new_tokens = sys.argv[1], *(int(argument) for argument in sys.argv[2:5])
torch.set_num_threads(threads)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
prompt = torch.tensor([[(7919 * i) % model.config.vocab_size for i in range(prompt_length)]])


@torch.no_grad()
def prefill():
    cache = DynamicCache(config=model.config)
    logits = model(prompt, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    return cache, int(logits[0, -1].argmax())


@torch.no_grad()
def decode(cache, token):
    for _ in range(new_tokens):
        logits = model(torch.tensor([[token]]), past_key_values=cache, use_cache=True).logits
        token = int(logits[0, -1].argmax())
    return token


def run(work):
    if work == "prefill":
        started = time.perf_counter()
        _, token = prefill()
    else:
        cache, token = prefill()
        started = time.perf_counter()
        token = decode(cache, token)
    return (time.perf_counter() - started) * 1000, token


def say(answer):
    print(json.dumps(answer), flush=True)


say({"name": f"torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, {threads} threads"})
for line in sys.stdin:
    command, *arguments = line.split()
    if command == "memory":
        with open("/proc/self/statm") as statm:
            resident = int(statm.read().split()[1]) * resource.getpagesize()
        say({"rssBytes": resident, "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
        continue
    milliseconds, check = [], 0
    for _ in range(int(arguments[0])):
        taken, check = run(arguments[1])
        milliseconds.append(taken)
    say({"milliseconds": milliseconds, "check": check})
