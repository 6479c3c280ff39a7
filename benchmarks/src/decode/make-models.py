"""Writes the model of the decoding benchmark: a GPT-2 of 124M parameters with random weights.

    python make-models.py FOLDER

makes FOLDER/model (config.json and model.safetensors, as Hugging Face lays them out), FOLDER/model.onnx, the same model
with a cache of keys and values as inputs and outputs, for ONNX Runtime, and FOLDER/model-f32.gguf and model-q8_0.gguf
for llama.cpp, with a vocabulary of made-up tokens. The weights are GPT-2's initial ones: how fast a model is does not
depend on what it has learned.
"""

import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
config = GPT2Config(bos_token_id=50256, eos_token_id=50256)
model = GPT2LMHeadModel(config).eval()
model.save_pretrained(folder / "model")

H, D = config.n_head, config.n_embd // config.n_head


class WithCache(nn.Module):
    """tokens (1, T) and the keys and values (2 · layers, 1, H, P, D) of P earlier positions → logits, keys and values."""

    def __init__(self):
        super().__init__()
        self.gpt = model

    def forward(self, tokens, past):
        body = self.gpt.transformer
        first, count = past.shape[3], tokens.shape[1]
        x = body.wte(tokens) + body.wpe(torch.arange(first, first + count))
        seen = torch.arange(first + count) <= torch.arange(first, first + count)[:, None]
        present = []
        for layer, block in enumerate(body.h):
            q, k, v = (
                part.view(1, count, H, D).transpose(1, 2) for part in block.attn.c_attn(block.ln_1(x)).split(H * D, dim=2)
            )
            k, v = torch.cat([past[2 * layer], k], dim=2), torch.cat([past[2 * layer + 1], v], dim=2)
            present += [k, v]
            scores = (q @ k.transpose(2, 3) / D**0.5).masked_fill(~seen, float("-inf"))
            mixed = (F.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(1, count, H * D)
            x = x + block.attn.c_proj(mixed)
            x = x + block.mlp(block.ln_2(x))
        logits = body.ln_f(x[:, -1:]) @ body.wte.weight.T
        return logits, torch.stack(present)


example = (torch.zeros(1, 2, dtype=torch.int64), torch.zeros(2 * config.n_layer, 1, H, 3, D))
with torch.no_grad():
    torch.onnx.export(
        WithCache(),
        example,
        folder / "model.onnx",
        input_names=["tokens", "past"],
        output_names=["logits", "present"],
        dynamic_axes={"tokens": {1: "T"}, "past": {3: "P"}, "present": {3: "S"}},
        dynamo=False,
        opset_version=18,
    )


def write_gguf(path, kind):
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.n_positions)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(4 * config.n_embd)
    writer.add_head_count(config.n_head)
    writer.add_layer_norm_eps(config.layer_norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if kind is None else gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    byte_tokens = [chr(256 + i) for i in range(256)]
    writer.add_token_list(byte_tokens + [f"t{i}" for i in range(256, config.vocab_size)])
    writer.add_token_types([gguf.TokenType.NORMAL] * config.vocab_size)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)

    def add(name, tensor, transpose=False):
        data = np.ascontiguousarray((tensor.T if transpose else tensor).detach().numpy())
        if kind is not None and data.ndim == 2 and "position" not in name:
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, data)

    body = model.transformer
    add("token_embd.weight", body.wte.weight)
    add("position_embd.weight", body.wpe.weight)
    add("output_norm.weight", body.ln_f.weight)
    add("output_norm.bias", body.ln_f.bias)
    for i, block in enumerate(body.h):
        for name, part, transpose in [
            ("attn_norm", block.ln_1, False),
            ("attn_qkv", block.attn.c_attn, True),
            ("attn_output", block.attn.c_proj, True),
            ("ffn_norm", block.ln_2, False),
            ("ffn_up", block.mlp.c_fc, True),
            ("ffn_down", block.mlp.c_proj, True),
        ]:
            add(f"blk.{i}.{name}.weight", part.weight, transpose)
            add(f"blk.{i}.{name}.bias", part.bias)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write_gguf(folder / "model-f32.gguf", None)
write_gguf(folder / "model-q8_0.gguf", gguf.GGMLQuantizationType.Q8_0)
