"""Text prompts about content outside the synthetic set, for robustness to users' prompts."""

from __future__ import annotations

import numpy as np


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


WHO = _phrases(
    "a cat|an old fisherman|two astronauts|a golden retriever|a ballet dancer|the robot|"
    "a young woman in a red coat|a herd of elephants|a chef|three children|a steam train|the knight|"
    "a hummingbird|a street musician|a panda|a sports car|an orange balloon|a whale|a wizard with a long beard|"
    "a couple|a paper boat|a white horse|the teacher|a drone|a waterfall|a cup of coffee|a surfer|fireworks|"
    "a field of sunflowers|a dragon|the crowd|a jellyfish|a candle|a spaceship|an owl|a cowboy|a baby penguin|"
    "a man with glasses|clouds|the city|a violin|a tiny house"
)
DOES = _phrases(
    "playing the piano|walking slowly|eating a slice of pizza|running through the rain|dancing|"
    "reading a newspaper|flying over the mountains|cooking noodles|jumping over a fence|looking at the camera|"
    "melting|swimming|riding a bicycle|talking on the phone|drifting in the wind|building a sandcastle|glowing|"
    "turning into a butterfly|painting a portrait|falling apart|smiling|fighting a monster|"
    "floating in zero gravity|driving fast|sleeping|exploding in slow motion|opening a present|making coffee|"
    "singing|climbing a ladder|growing|spinning around"
)
WHERE = _phrases(
    "in a neon-lit street|on the moon|under water|at sunset|in a quiet library|on a snowy mountain|"
    "in Times Square|beside a lake|in the desert|in a kitchen|at the beach|inside a cathedral|"
    "in front of the Eiffel Tower|in space|on a wooden table|in the forest|on stage|during a thunderstorm|"
    "in a Japanese garden|on a busy market|at night|in the fog|in a small village|by the window|"
    "on an empty road|among the clouds|in a laboratory|in autumn"
)
HOW = _phrases(
    "cinematic lighting|4k, highly detailed|in the style of an oil painting|aerial view|slow motion|"
    "close-up shot|black and white film|time-lapse|anime style|shallow depth of field|handheld camera|"
    "wide angle|photorealistic|the camera pans from left to right|watercolour|pixel art|soft focus|"
    "warm colours|vintage film grain"
)
LABELS = _phrases(
    "#|scene #|clip #|video #|test|test #|a scene|the clip|shot #|untitled|sample #|my video|take #|generated|"
    "a video|something|footage|a dog|cat|people|nature|city at night|sea|a car|birds|movie|part #|prompt #|output_#"
)
_SYLLABLES = _phrases("ka|lo|mi|ne|tor|shan|ul|bri|ex|po|wei|dra|qui|zen|fa|jo|hel|ux|än|é|ñu|ø|st|ver")


def draw_outside(rng: np.random.Generator) -> str:
    """One to three sentences about anything but the shapes; sometimes invented words, or a bare label."""
    chance = rng.random()
    if chance < 0.15:
        words = ["".join(rng.choice(_SYLLABLES, rng.integers(1, 5))) for _ in range(rng.integers(1, 12))]
        return " ".join(words)
    if chance < 0.25:
        label = str(rng.choice(LABELS)).replace("#", str(rng.choice((*"0123456789abcdefgh", "12", "007", "final"))))
        return label.capitalize() if rng.random() < 0.3 else label
    sentences = [_sentence(rng) for _ in range(rng.choice((1, 2, 3), p=(0.7, 0.2, 0.1)))]
    return ". ".join(sentences)


def _sentence(rng: np.random.Generator) -> str:
    said = [str(rng.choice(WHO))]
    for options, share in ((DOES, 0.9), (WHERE, 0.7)):
        if rng.random() < share:
            said.append(str(rng.choice(options)))
    sentence = " ".join(said)
    if rng.random() < 0.3:
        sentence = f"{rng.choice(('a video of', 'there is', 'close view of', 'we see'))} {sentence}"
    if rng.random() < 0.4:
        sentence += f", {rng.choice(HOW)}"
    return sentence[0].upper() + sentence[1:] if rng.random() < 0.6 else sentence
