"""What every process that loads a model does once more after its imports, done once in the server of processes."""

from transformers.conversion_mapping import get_checkpoint_conversion_mapping

get_checkpoint_conversion_mapping("qwen2_5_vl")  # builds transformers' table of renamed weights, over a second
