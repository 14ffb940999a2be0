"""Questions asked separately: what is seen without the text, and agreement with the text by itself.

So asks a prompt set that is ``separate``. No text can then change what is seen, and agreement is asked only of texts
that the model can understand: those that ``shapes.names_shapes`` reads. Other prompt sets ask as the paper does, with
the text, for all dimensions at once.
"""

from __future__ import annotations

from dataclasses import replace

from vqinsight.tasks.prompt_set import PromptSet, shared_prompt
from vqinsight.tasks.shapes import names_shapes
from vqinsight.tasks.types import Example, Question, Score

NOT_UNDERSTOOD = "the text is outside what this model knows"


def parts(asked: PromptSet, question: Question) -> tuple[Question, ...]:
    """The questions that are asked for one, at least one; their dimensions do not overlap."""
    text = shared_prompt(question)
    if not asked.separate or text is None or question.task == "alignment":
        return (question,)
    untold = replace(question, clips=tuple(replace(clip, prompt=None) for clip in question.clips))
    if question.task == "generated":
        return (untold, Question("alignment", question.clips)) if names_shapes(text) else (untold,)
    return (question,) if question.task == "compare" and names_shapes(text) else (untold,)


def example_parts(asked: PromptSet, example: Example) -> tuple[Example, ...]:
    """An example as those of the questions that are asked for its own; a label without a dimension left is left out."""
    found = []
    for question in parts(asked, example.question):
        answer, identity = example.answer, example.id
        if isinstance(answer, Score) and question is not example.question:
            keys = {dimension.key for dimension in asked.dimensions(question)}
            answer = Score({key: value for key, value in answer.values.items() if key in keys})
            identity = f"{example.id}:{question.task}"
        if not isinstance(answer, Score) or answer.values:
            found.append(replace(example, id=identity, question=question, answer=answer))
    return tuple(found)
