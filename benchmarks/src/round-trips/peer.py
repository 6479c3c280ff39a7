"""transformers' side of the round trips. Reads one request per line: {folder, again, ids, prompt, newTokens}.

Opens the model in `folder`, answers with its mean loss on `ids` and its greedy text after `prompt`, and saves it into
`again`. Weights that are missing, unknown or of another shape are an error.
"""

import json
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.utils.logging.disable_progress_bar()


def answer(request: dict) -> dict:
    model, report = AutoModelForCausalLM.from_pretrained(request["folder"], dtype="float32", output_loading_info=True)
    problems = {kind: list(names) for kind, names in report.items() if names}
    if problems:
        return {"error": f"transformers reports {problems}"}
    model.eval()
    tokens = list(request["prompt"])
    with torch.no_grad():
        ids = torch.tensor([request["ids"]])
        loss = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:]).item()
        for _ in range(request["newTokens"]):
            tokens.append(model(torch.tensor([tokens])).logits[0, -1].argmax().item())
    model.save_pretrained(request["again"])
    return {"loss": loss, "text": tokens[len(request["prompt"]) :]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
