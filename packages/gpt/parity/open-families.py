"""Opens model folders of every family in transformers and compares their logits with those of the models they came from.

    node --conditions=@tessera-lm/source --import tsx parity/save-families.ts FOLDER
    python parity/open-families.py FOLDER

Run in packages/gpt; needs torch and transformers. The models went from transformers to ours and back. Fails if transformers
reports missing, unexpected or mismatched weights, or if a logit or feature differs by more than 1e-4.
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig

FIXTURES = Path(__file__).parent.parent / "src" / "families" / "fixtures"


def inputs_of(name: str, reference: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    ids = {key: value.long() for key, value in reference.items() if not value.is_floating_point()}
    if name.startswith("t5"):
        return {"input_ids": ids["inputs"], "attention_mask": ids["mask"], "decoder_input_ids": ids["written"]}
    if name.startswith("bert"):
        return {"input_ids": ids["tokens"], "attention_mask": ids["mask"], "token_type_ids": ids["types"]}
    return {"input_ids": ids["tokens"]}


for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    architecture = getattr(transformers, AutoConfig.from_pretrained(folder).architectures[0])
    model, report = architecture.from_pretrained(folder, output_loading_info=True)
    problems = {kind: names for kind, names in report.items() if names}
    reference = load_file(FIXTURES / folder.name / "reference.safetensors")
    with torch.no_grad():
        output = model.eval()(**inputs_of(folder.name, reference))
    key = "logits" if "logits" in output else "last_hidden_state"
    expected = reference["logits" if key == "logits" else "hidden"]
    difference = (output[key] - expected).abs().max().item()
    print(f"{folder.name}: {architecture.__name__}, greatest difference {difference:.1e}", problems or "")
    if problems or not difference < 1e-4:
        raise SystemExit(1)
