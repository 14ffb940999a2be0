"""T2V-Turbo's own injection of its LoRA into ModelScope's U-Net: its layout, and a prediction, for our loading to meet.

``python t2v_turbo.py CLONE FILE``, in an environment with diffusers 0.28 (later ones lack a module that it imports).
The embedding of the guidance is theirs too. Weights come from ``drawn``: a test draws the same ones without this code.
"""

import hashlib
import json
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

RANK = 32  # in the clone's app_ms.py
WIDTH = 256  # of the guidance's embedding, there
FULL = {
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "cross_attention_dim": 1024,
    "attention_head_dim": 64,
    "norm_num_groups": 32,
}
REDUCED = {
    "block_out_channels": [32, 32, 64, 64],
    "layers_per_block": 1,
    "cross_attention_dim": 8,
    "attention_head_dim": 8,
    "norm_num_groups": 32,
}
SHAPES = {"noisy": [1, 4, 2, 8, 8], "text": [1, 5, 8]}
TIME, GUIDANCE = 319, 7.5


def drawn(key, shape):
    """Normal values that only the key decides, on every version of NumPy."""
    values = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(int(np.prod(shape)))
    return values.reshape([int(side) for side in shape])


def base_weight(name, shape):
    """A weight of the U-Net. That of the guidance's input is zero: a base model has none."""
    return drawn(name, shape) * (0.0 if "cond_proj" in name else np.prod(shape[1:]) ** -0.5)


def lora_weight(place, shape):
    """The tensor at a place of the LoRA's list."""
    return drawn(f"lora {place}", shape) * np.prod(shape[1:]) ** -0.5


def digest(layout):
    """Of a list of [name, shape of up, shape of down]."""
    return hashlib.blake2b(json.dumps(layout).encode(), digest_size=8).hexdigest()


def main():
    code, file = sys.argv[1:]
    sys.path.insert(0, code)
    import torch
    from model_scope.unet_3d_condition import UNet3DConditionModel
    from pipeline.t2v_turbo_ms_pipeline import T2VTurboMSPipeline
    from utils.lora import collapse_lora, extract_lora_ups_down, monkeypatch_remove_lora, save_lora_weight
    from utils.lora_handler import LoraHandler

    handler = LoraHandler(version="cloneofsimo", use_unet_lora=True, save_for_webui=True)
    kinds = handler.unet_replace_modules

    def with_lora(unet, path=None):
        handler.add_lora_to_model(True, unet, kinds, lora_path=path, dropout=0.1, r=RANK)
        return unet.eval()

    def reduced():
        unet = UNet3DConditionModel(**REDUCED, time_cond_proj_dim=WIDTH)
        found = unet.state_dict().items()
        unet.load_state_dict({name: torch.from_numpy(base_weight(name, value.shape)).float() for name, value in found})
        return unet

    def layout(unet):
        injected = {id(module): name for name, module in unet.named_modules()}
        parents = {id(module.lora_up): injected[id(module)] for module in unet.modules() if hasattr(module, "lora_up")}
        pairs = extract_lora_ups_down(unet, target_replace_module=kinds)
        return [[parents[id(up)], list(up.weight.shape), list(down.weight.shape)] for up, down in pairs]

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "unet_lora.pt")
        save_lora_weight(with_lora(reduced()), path, kinds)
        found = torch.load(path)
        torch.save([torch.from_numpy(lora_weight(at, each.shape)).float() for at, each in enumerate(found)], path)
        unet = with_lora(reduced(), path)
    given = {name: torch.from_numpy(drawn(name, shape)).float() for name, shape in SHAPES.items()}

    strength = T2VTurboMSPipeline.get_w_embedding(None, torch.tensor([GUIDANCE]), embedding_dim=WIDTH)

    def predict():
        text = given["text"]
        with torch.no_grad():
            return unet(given["noisy"], torch.tensor([TIME]), timestep_cond=strength, encoder_hidden_states=text).sample

    injected, reduced_layout = predict(), layout(unet)
    collapse_lora(unet, kinds)
    monkeypatch_remove_lora(unet)
    apart = float((predict() - injected).abs().max())
    with torch.device("meta"):
        full_layout = layout(with_lora(UNet3DConditionModel(**FULL, time_cond_proj_dim=WIDTH)))
    Path(file).write_text(
        json.dumps(
            {
                "layout": reduced_layout,
                "prediction": [round(value, 6) for value in injected.flatten().tolist()],
                "collapsed_apart": apart,
                "full_pairs": len(full_layout),
                "full_digest": digest(full_layout),
            }
        )
    )


if __name__ == "__main__":
    main()
