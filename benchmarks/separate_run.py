"""One ablation cell the usual way: load the model, encode the prompts, sort every row, loop the bootstrap.

The side that `benchmark_table1_sweep.py` compares with. Image embeddings are read from a file, as such scripts do.
Usage: python separate_run.py CELL.json IMAGES.npy MODEL_FOLDER OUTPUT.json
"""

import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import torch


def main(cell_path: str, images_path: str, model_folder: str, output_path: str) -> None:
    cell = json.loads(Path(cell_path).read_text())
    images = np.load(images_path)
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{model_folder}")
    model.eval()
    merges = str(Path(model_folder) / "merges.txt.gz")
    tokenize = open_clip.get_tokenizer(f"local-dir:{model_folder}", bpe_path=merges)

    def encode(texts: list[str]) -> np.ndarray:
        batches = []
        with torch.inference_mode():
            for start in range(0, len(texts), 128):
                features = model.encode_text(tokenize(texts[start : start + 128]))
                batches.append(torch.nn.functional.normalize(features, dim=-1).numpy())
        return np.concatenate(batches)

    captions, templates, targets = cell["captions"], cell["templates"], cell["targets"]
    plain = encode(captions)
    prompts = encode([template.replace("{caption}", caption) for caption in captions for template in templates])
    prompts = prompts.reshape(len(captions), len(templates), -1)
    before, after = [], []
    for query, target in enumerate(targets):
        before.append(rank(plain[query] @ images.T, target))
        after.append(rank(pool(prompts[query] @ images.T, cell["pooling"]), target))
    result = {}
    for k in (1, 5, 10):
        hits_before = np.array(before)[: cell["num_subset"]] <= k
        hits_after = np.array(after)[: cell["num_subset"]] <= k
        result[k] = [int(hits_before.sum()), int(hits_after.sum()), *bootstrap(hits_before, hits_after)]
    Path(output_path).write_text(json.dumps(result))


def rank(scores: np.ndarray, target: int) -> int:
    return int(np.where(np.argsort(-scores, kind="stable") == target)[0][0]) + 1


def pool(scores: np.ndarray, pooling: str) -> np.ndarray:
    if pooling == "max":
        return scores.max(axis=0)
    if pooling == "mean":
        return scores.mean(axis=0)
    return np.log(np.exp(scores).mean(axis=0))


def bootstrap(before: np.ndarray, after: np.ndarray) -> list[float]:
    rng = np.random.default_rng(42)
    deltas = []
    for _ in range(2000):
        draw = rng.integers(0, len(before), size=len(before))
        deltas.append(after[draw].mean() - before[draw].mean())
    return [float(np.mean(deltas)), *map(float, np.percentile(deltas, [2.5, 97.5]))]


if __name__ == "__main__":
    main(*sys.argv[1:])
