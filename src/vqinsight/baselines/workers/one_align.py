"""Worker for OneAlign, Q-Align's released weights. Needs transformers 4.36, see ``subprocess``."""

import json
import sys


def main() -> None:
    """Answer one line for each line of standard input."""
    import torch
    from PIL import Image
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        sys.argv[1], trust_remote_code=True, attn_implementation="eager", torch_dtype=torch.float16, device_map="auto"
    )
    for line in sys.stdin:
        frames = [Image.open(file).convert("RGB") for file in json.loads(line)["frames"]]
        with torch.no_grad():
            value = model.score([frames], task_="quality", input_="video")
        print("\nANSWER", json.dumps({"quality": float(value[0])}), flush=True)


if __name__ == "__main__":
    main()
