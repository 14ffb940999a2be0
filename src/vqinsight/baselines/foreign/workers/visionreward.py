"""VisionReward-Video on its own CogVLM2 model: weighted yes/no questions. Both lists are read from the clone."""

import json
from pathlib import Path

import protocol

given = protocol.arguments()
MODEL = "VisionReward-Video"  # a folder of the weights, with the hub's own modelling code
SECONDS = 24  # frames at most, one a second: ``num_frames`` of the clone's inference-video.py
PAD = 128002  # ``pad_token_id`` there
HOLE = "[[prompt]]"


def each_second(timestamps, most=SECONDS):
    """Indices of the frames nearest to second 0, 1, 2, and so on, up to the last second that a frame rounds to.

    Args:
        timestamps: start of every frame, in seconds.
        most: number of indices.
    """
    wanted = range(min(most, round(max(timestamps)) + 1))
    return [min(range(len(timestamps)), key=lambda at: abs(timestamps[at] - second)) for second in wanted]


def weighted(answers, weights):
    """The mean over questions of weight times +1 for the answer "yes", -1 for any other."""
    signs = [1 if answer == "yes" else -1 for answer in answers]
    return sum(sign * weight for sign, weight in zip(signs, weights, strict=True)) / len(weights)


def load():
    import numpy
    import torch
    from decord import VideoReader, bridge, cpu
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = Path(given.code) / "VisionReward_Video"
    with (folder / "VisionReward_video_qa_select.txt").open(encoding="utf-8") as file:
        questions = file.readlines()  # with their line ends, which the model gets too
    weights = json.loads((folder / "weight.json").read_text())
    if len(questions) != len(weights):
        raise ValueError(f"{len(questions)} questions but {len(weights)} weights in {folder}")

    bridge.set_bridge("torch")
    new = given.device.startswith("cuda") and torch.cuda.get_device_capability()[0] >= 8
    dtype = torch.bfloat16 if new else torch.float16
    place = str(Path(given.weights) / MODEL)
    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=True)
    model = AutoModelForCausalLM.from_pretrained(place, torch_dtype=dtype, trust_remote_code=True)
    model = model.eval().to(given.device)

    def read(file):
        """The chosen frames, (3, frames, height, width)."""
        reader = VideoReader(file, ctx=cpu(0))
        starts = reader.get_frame_timestamp(numpy.arange(len(reader)))[:, 0]
        return reader.get_batch(each_second([float(start) for start in starts])).permute(3, 0, 1, 2)

    def answer(video, question):
        """The first word that the model says. The greedy first token does not depend on how many follow."""
        built = model.build_conversation_input_ids(
            tokenizer=tokenizer, query=question, images=[video], history=[], template_version="chat"
        )
        names = ("input_ids", "token_type_ids", "attention_mask")
        asked = {name: built[name].unsqueeze(0).to(given.device) for name in names}
        images = [[built["images"][0].to(given.device).to(dtype)]]
        with torch.no_grad():
            said = model.generate(**asked, images=images, max_new_tokens=1, do_sample=False, pad_token_id=PAD)
        return tokenizer.decode(said[0, asked["input_ids"].shape[1]])

    def score(request):
        video = read(request["file"])
        answers = [answer(video, question.replace(HOLE, request["prompt"])) for question in questions]
        return {"quality": weighted(answers, weights)}

    return score


if __name__ == "__main__":
    protocol.serve(load)
