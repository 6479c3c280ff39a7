"""How fast this machine reads memory: a sum over half a gigabyte, with as many threads as the argument says."""

import json
import sys
import time

import torch

BYTES = 2**29
torch.set_num_threads(int(sys.argv[1]))
numbers = torch.ones(BYTES // 4)


def milliseconds():
    started = time.perf_counter()
    numbers.sum()
    return (time.perf_counter() - started) * 1000


print(json.dumps({"name": "torch's sum"}), flush=True)
for line in sys.stdin:
    count = int(line.split()[1])
    print(json.dumps({"milliseconds": [milliseconds() for _ in range(count)], "check": BYTES}), flush=True)
