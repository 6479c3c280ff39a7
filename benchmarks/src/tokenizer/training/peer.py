"""Hugging Face's BpeTrainer, with all its threads. Argument: TrainingSettings (rows.ts)."""

import hashlib
import json
import resource
import sys
import time
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

settings = json.loads(sys.argv[1])
*lines, last = Path(settings["file"]).read_bytes().decode("utf-8").split("\n")
lines = [line + "\n" for line in lines] + [last]


def say(**answer):
    print(json.dumps(answer), flush=True)


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(lines, trainer=trainers.BpeTrainer(
        vocab_size=settings["vocabSize"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def checksum(tokenizer):
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return int(hashlib.sha256("\n".join(" ".join(merge) for merge in merges).encode()).hexdigest()[:12], 16)


say(name=f"tokenizers {tokenizers.__version__}")
for line in sys.stdin:
    command, *arguments = line.split()
    if command == "memory":
        say(rssBytes=0, peakRssBytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        continue
    milliseconds = []
    for _ in range(int(arguments[0])):
        started = time.perf_counter()
        trained = train()
        milliseconds.append(1000 * (time.perf_counter() - started))
    say(milliseconds=milliseconds, check=checksum(trained))
