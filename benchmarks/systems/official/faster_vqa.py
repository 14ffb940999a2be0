"""FasterVQA's own benchmark script."""

from functools import partial

import fast_vqa
import steps

if __name__ == "__main__":
    steps.main(partial(fast_vqa.reduce, model="FasterVQA"), partial(fast_vqa.official, model="FasterVQA"))
