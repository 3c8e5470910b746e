"""Writes a trained model as a checkpoint directory in bf16: llava15 and llava16 in the Hugging Face layout, as transformers
reads it; llava1 and llava15hd, whose linear projector and row-end vector that layout cannot say, in that of the LLaVA
repositories, with the tower inside.

    python3 tools/train/export.py llava15 --tower runs/tower/tower.pt --model runs/llava15/model.pt \\
        --tokenizer runs/tokenizer.model --out testdata/sight/llava15
"""

import argparse
import json
import os
import shutil
import struct

import torch

import data
import nets
import scenes as S
import tokens

PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
# Positions: the linear model has those of its generation, which also settles its prompt template; HD needs more than 4,096
# for 3 x 2 tiles.
POSITIONS = {"llava1": 2048, "llava15": 4096, "llava15hd": 8192, "llava16": 4096}


def tower_tensors(tower, side):
    g = side // S.PATCH
    first = (tower.grid - g) // 2
    table = tower.position[1:].view(tower.grid, tower.grid, -1)[first:first + g, first:first + g].reshape(g * g, -1)
    out = {"embeddings.class_embedding": tower.class_embedding, "embeddings.patch_embedding.weight": tower.patch_embedding.weight,
           "embeddings.position_embedding.weight": torch.cat([tower.position[:1], table])}
    for name in ("weight", "bias"):
        out["pre_layrnorm." + name] = getattr(tower.pre_layrnorm, name)
        out["post_layernorm." + name] = torch.full((nets.WIDTH,), 1.0 if name == "weight" else 0.0)
    # Features are those before the last layer, so one more stands there, which nothing reads: zeros.
    spare = nets.Block()
    for p in spare.parameters():
        torch.nn.init.zeros_(p)
    for i, block in enumerate([*tower.layers, spare]):
        for k, v in block.state_dict().items():
            part = "self_attn." if "_proj" in k else "mlp." if k.startswith("fc") else ""
            out["encoder.layers.%d.%s%s" % (i, part, k)] = v
    return {"model.vision_tower.vision_tower.vision_model." + k: v for k, v in out.items()}


def decoder_tensors(model, name):
    d = model
    out = {"model.embed_tokens.weight": d["decoder.embed_tokens.weight"], "model.norm.weight": d["decoder.norm.weight"],
           "lm_head.weight": d["decoder.lm_head.weight"]}
    for k, v in d.items():
        if k.startswith("decoder.layers."):
            _, _, i, rest = k.split(".", 3)
            part = "self_attn." if rest[:2] in ("q_", "k_", "v_", "o_") else "mlp." if "_proj" in rest else ""
            out["model.layers.%s.%s%s" % (i, part, rest)] = v
    for kind in ("weight", "bias"):
        if name == "llava1":
            out["model.mm_projector." + kind] = d["linear.linear_1." + kind]
        else:
            out["model.mm_projector.0." + kind] = d["projector.linear_1." + kind]
            out["model.mm_projector.2." + kind] = d["projector.linear_2." + kind]
    if name in ("llava15hd", "llava16"):
        out["model.image_newline"] = d["newline"]
    return out


def write_safetensors(path, tensors):
    header, at, blobs = {"__metadata__": {"format": "pt"}}, 0, []
    for k in sorted(tensors):
        blob = tensors[k].detach().bfloat16().contiguous().view(torch.int16).numpy().tobytes()
        header[k] = {"dtype": "BF16", "shape": list(tensors[k].shape), "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
    os.replace(path + ".tmp", path)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=2, sort_keys=True)
        f.write("\n")


def text_config(name, vocab):
    return {"hidden_size": 160, "num_hidden_layers": 4, "num_attention_heads": 5, "num_key_value_heads": 5, "intermediate_size": 432,
            "vocab_size": vocab, "max_position_embeddings": POSITIONS[name], "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "hidden_act": "silu", "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def vision_config(side):
    return {"hidden_size": nets.WIDTH, "intermediate_size": nets.MLP, "num_hidden_layers": nets.DEPTH + 1,
            "num_attention_heads": nets.HEADS, "patch_size": S.PATCH, "image_size": side, "num_channels": 3,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5}


def original_config(name, vocab):
    return {"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava_llama", **text_config(name, vocab),
            "torch_dtype": "bfloat16", "mm_vision_tower": "vision_tower", "mm_hidden_size": nets.WIDTH, "mm_vision_select_layer": -2,
            "mm_vision_select_feature": "patch", "mm_projector_type": "linear" if name == "llava1" else "mlp2x_gelu",
            "mm_use_im_start_end": False, "mm_use_im_patch_token": False, "mm_patch_merge_type": "flat",
            "image_aspect_ratio": "square" if name == "llava1" else "pad"}


def transformers_config(name, image, side):
    c = {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "ignore_index": -100, "image_token_index": image,
         "projector_hidden_act": "gelu", "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
         "image_seq_length": (side // S.PATCH) ** 2, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
         "text_config": {"model_type": "llama", **text_config(name, image + 1)},
         "vision_config": {"model_type": "clip_vision_model", "projection_dim": nets.WIDTH, **vision_config(side)}}
    if name == "llava16":
        c.update(architectures=["LlavaNextForConditionalGeneration"], model_type="llava_next", image_grid_pinpoints=PINPOINTS,
                 use_image_newline_parameter=True)
    return c


def processor(side, name):
    c = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side},
         "do_resize": True, "do_center_crop": True, "do_rescale": True, "do_normalize": True, "resample": 3,
         "rescale_factor": 1 / 255, "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
    if name == "llava15":
        c.update(image_processor_type="LlavaImageProcessor", do_pad=True)
    if name == "llava16":
        c.update(image_processor_type="LlavaNextImageProcessor", image_grid_pinpoints=PINPOINTS)
    return c


def with_image_token(tensors):
    """One more row of the vocabulary: the placeholder of pictures. Its logit is that of <unk>, which is never the largest."""
    out = dict(tensors)
    for k in ("model.embed_tokens.weight", "lm_head.weight"):
        out[k] = torch.cat([tensors[k], tensors[k][:1]])
    return out


def transformers_name(name):
    for old, new in (("model.vision_tower.", ""), ("model.mm_projector.0.", "multi_modal_projector.linear_1."),
                     ("model.mm_projector.2.", "multi_modal_projector.linear_2."), ("model.image_newline", "image_newline")):
        if name.startswith(old):
            return new + name[len(old):]
    return "language_model." + name


def main():
    a = argparse.ArgumentParser()
    a.add_argument("name", choices=list(data.SIDE))
    a.add_argument("--tower", required=True)
    a.add_argument("--model", required=True)
    a.add_argument("--tokenizer", required=True)
    a.add_argument("--out", required=True)
    a = a.parse_args()
    side = data.SIDE[a.name]
    tower = nets.Tower()
    state = torch.load(a.model)
    tower.load_state_dict(state["tower"] if "tower" in state else torch.load(a.tower)["tower"])
    model = state["model"]
    tensors = {**tower_tensors(tower, side), **decoder_tensors(model, a.name)}
    os.makedirs(a.out, exist_ok=True)
    shutil.copyfile(a.tokenizer, os.path.join(a.out, "tokenizer.model"))
    token = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": False, "bos_token": "<s>",
             "eos_token": "</s>", "unk_token": "<unk>"}
    if a.name in tokens.HUGGING_FACE:
        image = len(tensors["lm_head.weight"])
        tensors = {transformers_name(k): v for k, v in with_image_token(tensors).items()}
        write_json(os.path.join(a.out, "config.json"), transformers_config(a.name, image, side))
        write_json(os.path.join(a.out, "preprocessor_config.json"), processor(side, a.name))
        special = {"content": "<image>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
        write_json(os.path.join(a.out, "added_tokens.json"), {"<image>": image})
        token["added_tokens_decoder"] = {str(image): special}
    else:
        write_json(os.path.join(a.out, "config.json"), original_config(a.name, len(tensors["lm_head.weight"])))
        os.makedirs(os.path.join(a.out, "vision_tower"), exist_ok=True)
        write_json(os.path.join(a.out, "vision_tower", "config.json"), {"model_type": "clip_vision_model", **vision_config(side)})
        write_json(os.path.join(a.out, "vision_tower", "preprocessor_config.json"), processor(side, a.name))
    write_json(os.path.join(a.out, "tokenizer_config.json"), token)
    write_safetensors(os.path.join(a.out, "model.safetensors"), tensors)


if __name__ == "__main__":
    main()
