"""Writes the PyTorch files of this folder (made with PyTorch 1.13.1): python3 make.py"""
import collections
import json

import torch

torch.manual_seed(0)
a = torch.randn(5, 7)
m = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.GELU(), torch.nn.LayerNorm(3)).half()
kinds = (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
files = {
    "views": {"a": a, "transposed": a.t(), "strided": a[1:4:2], "columns": a[:, :3], "empty": torch.zeros(0, 3), "scalar": torch.tensor(3.5), "tied": a},
    "state": m.state_dict(),
    "parameters": collections.OrderedDict(m.named_parameters()),
    "types": {str(k): torch.arange(6).reshape(2, 3).to(k) for k in kinds},
}
want = {}
for name, tensors in files.items():
    torch.save(tensors, name + ".zip.bin")
    torch.save(tensors, name + ".legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(tensors, name + ".protocol4.bin", pickle_protocol=4)
    want[name] = {}
    for key, t in tensors.items():
        t = t.detach().contiguous()
        raw = t.view(torch.int16) if t.dtype == torch.bfloat16 else t
        want[name][key] = {"shape": list(t.shape), "hex": raw.numpy().tobytes().hex()}
json.dump(want, open("want.json", "w"), indent=1)
