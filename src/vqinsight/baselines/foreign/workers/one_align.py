"""OneAlign, Q-Align's released weights, through the code of its hub page."""

import protocol

given = protocol.arguments()


def load():
    import torch
    from PIL import Image
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        given.weights + "/one-align",
        trust_remote_code=True,
        attn_implementation="eager",
        torch_dtype=torch.float16 if given.device.startswith("cuda") else torch.float32,
        device_map=given.device,
    )

    def score(request):
        frames = [Image.open(file).convert("RGB") for file in request["frames"]]
        with torch.no_grad():
            value = model.score([frames], task_="quality", input_="video")
        return {"quality": value[0]}

    return score


if __name__ == "__main__":
    protocol.serve(load)
