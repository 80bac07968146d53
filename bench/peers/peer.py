"""
llama.cpp through llama-cpp-python, driven by bench/peers.ts: one JSON command a line on standard input, one JSON answer a
line on standard output. Commands: {"op": "reset"}, {"op": "prefill", "tokens": N} and {"op": "decode", "count": N}; the answer
is {"ms": milliseconds}. Tokens are arbitrary but fixed, so that both sides do the same work.

    python3 bench/peers/peer.py MODEL.gguf THREADS CONTEXT wall|cpu
"""

import json
import sys
import time

import llama_cpp


def main(model: str, threads: str, context: str, clock: str) -> None:
    now = time.process_time if clock == "cpu" else time.perf_counter
    llm = llama_cpp.Llama(
        model,
        n_ctx=int(context),
        n_threads=int(threads),
        n_threads_batch=int(threads),
        verbose=False,
    )
    print(json.dumps({"version": llama_cpp.__version__}), flush=True)
    at = 0
    for line in sys.stdin:
        command = json.loads(line)
        start = now()
        if command["op"] == "reset":
            llm.reset()
            at = 0
        elif command["op"] == "prefill":
            count = command["tokens"]
            llm.eval([token(at + i) for i in range(count)])
            at += count
        else:
            for _ in range(command["count"]):
                llm.eval([token(at)])
                at += 1
        print(json.dumps({"ms": (now() - start) * 1000}), flush=True)


def token(index: int) -> int:
    """The token at an index of the text that both sides read; bench/peers.ts has the same."""
    return 100 + index * 7919 % 40000


if __name__ == "__main__":
    main(*sys.argv[1:])
