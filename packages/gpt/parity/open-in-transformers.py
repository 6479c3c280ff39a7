"""Opens a model folder in transformers and compares its logits with those that Tessera computed.

    node --conditions=@tessera-lm/source --import tsx parity/save-models.ts FOLDER
    python parity/open-in-transformers.py FOLDER

Run in packages/gpt; needs torch and transformers. FOLDER gets one model per combination of biases and activation. Fails
if transformers reports missing, unexpected or mismatched weights, or if a logit differs by more than 1e-4.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import GPT2LMHeadModel

TOLERANCE = 1e-4


def check(folder: Path) -> float:
    model, report = GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    problems = {kind: names for kind, names in report.items() if names}
    if problems:
        raise SystemExit(f"{folder}: {problems}")
    expected = json.loads((folder / "logits.json").read_text())
    logits = model.eval()(torch.tensor(expected["tokens"])).logits
    return (logits - torch.tensor(expected["logits"])).abs().max().item()


for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    difference = check(folder)
    print(f"{folder.name}: greatest difference of a logit {difference:.1e}")
    if not difference < TOLERANCE:
        raise SystemExit(1)
