"""Opens the adapters that write-adapter.ts wrote with PEFT, and compares the logits.

From this folder, with torch, transformers, peft and safetensors installed:

    npx tsx --conditions=@tessera-lm/source write-adapter.ts OUT && python check-peft.py OUT
"""

import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel

folder = Path(sys.argv[1])
expected = load_file(folder / "expected.safetensors")
tokens = expected.pop("tokens").long()
print(f"peft {peft.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
warnings.simplefilter("error", UserWarning)  # PEFT warns when keys are missing or fan_in_fan_out is wrong
for name, ours in expected.items():
    base = GPT2LMHeadModel.from_pretrained(folder / "model").eval()
    with torch.no_grad():
        plain = base(tokens).logits
        theirs = PeftModel.from_pretrained(base, folder / name).eval()(tokens).logits
    difference, effect = (theirs - ours).abs().max().item(), (theirs - plain).abs().max().item()
    print(f"{name}: largest difference {difference:.2e}; the adapter changes logits by up to {effect:.2f}")
    assert difference < 1e-4 < effect
print("equal")
