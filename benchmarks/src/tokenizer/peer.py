"""Tokenizers from PyPI. Arguments: which, and TokenizerSettings (contestants.ts)."""

import json
import resource
import sys
import time
from pathlib import Path

name, settings = sys.argv[1], json.loads(sys.argv[2])
vocabularies = Path(settings["dataFolder"]) / "tokenizers"
vocabulary = settings["vocabulary"]


def say(**answer):
    print(json.dumps(answer), flush=True)


def checksum(ids):
    return sum(id * (place % 1021 + 1) for place, id in enumerate(ids))


def load_tiktoken():
    import tiktoken
    import tiktoken_ext.openai_public as published
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks, load_tiktoken_bpe

    # The published definitions, with the ranks from local files.
    published.load_tiktoken_bpe = lambda url, expected_hash=None: load_tiktoken_bpe(
        str(vocabularies / "tiktoken" / Path(url).name))
    published.data_gym_to_mergeable_bpe_ranks = lambda **_: data_gym_to_mergeable_bpe_ranks(
        vocab_bpe_file=str(vocabularies / "gpt2/vocab.bpe"), encoder_json_file=str(vocabularies / "gpt2/encoder.json"))
    make = {"gpt2": published.gpt2, "cl100k": published.cl100k_base, "o200k": published.o200k_base}[vocabulary]
    encoding = tiktoken.Encoding(**make())
    return f"tiktoken {tiktoken.__version__}", encoding.encode_ordinary, encoding.decode


def load_tokenizers():
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(vocabularies / "gpt2/tokenizer.json"))
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    return f"tokenizers {tokenizers.__version__}", encode, tokenizer.decode


title, encode, decode = {"tiktoken": load_tiktoken, "tokenizers": load_tokenizers}[name]()
texts = [Path(file).read_bytes().decode("utf-8") for file in settings["files"]]
encoded = []
say(name=title)
for line in sys.stdin:
    command, *arguments = line.split()
    if command == "memory":
        say(rssBytes=0, peakRssBytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        continue
    count, work = int(arguments[0]), arguments[1]
    milliseconds = []
    for _ in range(count):
        started = time.perf_counter()
        if work == "encode":
            encoded = [encode(text) for text in texts]
        else:
            for ids in encoded:
                decode(ids)
        milliseconds.append(1000 * (time.perf_counter() - started))
    say(milliseconds=milliseconds, check=sum(map(checksum, encoded)))
