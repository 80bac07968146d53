"""Records the tokens of the default model for the texts of tokenizer_texts.py.

    pip install -r tests/oracles/requirements.txt
    python tests/oracles/tokenizer.py --model X.gguf --out tests/fixtures

The reference is the tokenizer behind transformers with the steps of SmolLM2's tokenizer.json
(digits one by one, then GPT-2's words, then byte-level BPE) over the file's own vocabulary and
merges. llama.cpp reads the same file; where it disagrees, its tokens are recorded too.

tokenizer_smollm2.json:
    texts       the texts
    plain       token ids of each, special tokens being ordinary text
    parsed      by index of the text: the ids where special tokens are parsed, if they differ
    llamaCpp    by index of the text: what llama.cpp makes of it plainly, if it differs
    pre         by name of another pre-tokenizer and by index of the text: what llama.cpp makes of
                it plainly with this pre-tokenizer and the same vocabulary, if it differs from `plain`;
                without the texts in `llamaCpp`
"""

import argparse
import json
import tempfile
from importlib.metadata import version
from pathlib import Path

import gguf
from llama_cpp import Llama
from reference import about
from tokenizer_texts import texts
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

CONTROL = 3
OTHER_PRE_TOKENIZERS = ["gpt-2", "llama-bpe", "default"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="the default model's GGUF")
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    options = parser.parse_args()

    fields = gguf.GGUFReader(options.model).fields
    reference = build_reference(fields)
    all_texts = texts()
    plain, parsed = [], {}
    for index, text in enumerate(all_texts):
        reference.encode_special_tokens = True
        plain.append(reference.encode(text, add_special_tokens=False).ids)
        reference.encode_special_tokens = False
        ids = reference.encode(text, add_special_tokens=False).ids
        if ids != plain[-1]:
            parsed[index] = ids

    peer = Llama(str(options.model), vocab_only=True, verbose=False)
    check_parsed(peer, all_texts, parsed)
    disagreed = differences(peer, all_texts, plain)
    others = {}
    for name in OTHER_PRE_TOKENIZERS:
        other = differences(other_peer(fields, name), all_texts, plain)
        others[name] = {index: ids for index, ids in other.items() if index not in disagreed}
    record = {
        "about": {**about(options.model), "tokenizers": version("tokenizers")},
        "texts": all_texts,
        "plain": plain,
        "parsed": parsed,
        "llamaCpp": disagreed,
        "pre": others,
    }
    path = options.out / "tokenizer_smollm2.json"
    path.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    counts = {name: len(other) for name, other in record["pre"].items()}
    print(f"{len(all_texts)} texts, {path.stat().st_size} bytes; differing: {counts}")
    print("llama.cpp differs:", [all_texts[i] for i in record["llamaCpp"]])


def build_reference(fields) -> Tokenizer:
    """The steps of SmolLM2's tokenizer.json over the vocabulary of the model file."""
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(tokens)},
            merges=[tuple(merge.split(" ")) for merge in merges],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.add_special_tokens(
        [
            AddedToken(token, normalized=False, special=True)
            for token, kind in zip(tokens, types)
            if kind == CONTROL
        ]
    )
    return tokenizer


def differences(peer: Llama, all_texts: list[str], plain: list[list[int]]) -> dict[int, list[int]]:
    """By index, the tokens of `peer` where they are not those of `plain`."""
    found = {}
    for index, (text, ids) in enumerate(zip(all_texts, plain)):
        own = peer.tokenize(text.encode(), add_bos=False, special=False)
        if own != ids:
            found[index] = own
    return found


def check_parsed(peer: Llama, all_texts: list[str], parsed: dict[int, list[int]]) -> None:
    """Both must agree on where special tokens are."""
    for index, ids in parsed.items():
        own = peer.tokenize(all_texts[index].encode(), add_bos=False, special=True)
        if own != ids:
            raise ValueError(f"Cannot record {all_texts[index]!r}: {ids} or {own}?")


def other_peer(fields, pre: str) -> Llama:
    """llama.cpp with the vocabulary of the model file, but another pre-tokenizer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(fields["tokenizer.ggml.tokens"].contents())
        writer.add_token_types(fields["tokenizer.ggml.token_type"].contents())
        writer.add_token_merges(fields["tokenizer.ggml.merges"].contents())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return Llama(str(path), vocab_only=True, verbose=False)


if __name__ == "__main__":
    main()
