"""One pure function per equation of the paper, and the rubric that adds them up. Nothing here sees a tensor."""
