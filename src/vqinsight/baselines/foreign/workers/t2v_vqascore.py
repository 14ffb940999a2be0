"""VQAScore of t2v-metrics: the mean over frames."""

import protocol

given = protocol.arguments("model")


def load():
    import t2v_metrics
    import torch

    metric = t2v_metrics.VQAScore(model=given.model, device=given.device)

    def score(request):
        with torch.no_grad():
            values = metric(images=request["frames"], texts=[request["prompt"]])  # (frames, 1)
        return {"alignment": values.mean()}

    return score


if __name__ == "__main__":
    protocol.serve(load)
