"""Small real language models in CTranslate2's format, for tests that must know what one says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ctranslate2.specs import TransformerDecoderModelSpec, common_spec
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

HEADS = 4
INNER = 8
CHATML = ("<|im_start|>", "<|im_end|>")
GEMMA = ("<start_of_turn>", "<end_of_turn>")


def byte_pairs(texts: Sequence[str], marks: Sequence[str]) -> Tokenizer:
    """A tokenizer trained on texts: bytes and what they are joined to, `<bos>` before a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=["<bos>", "<eos>", *marks],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(list(texts) * 20, trainer)
    bos = ("<bos>", tokenizer.token_to_id("<bos>"))
    tokenizer.post_processor = processors.TemplateProcessing("<bos> $A", special_tokens=[bos])
    return tokenizer


def saying(folder: Path, tokenizer: Tokenizer, before: str, answer: str) -> Path:
    """A model that says `answer` after any text that ends in `before`.

    Each token calls for the next, whatever came earlier, so none may occur twice; after the last
    one it begins again, unless that is a mark that ends the answer.
    """
    numbers = tokenizer.encode(answer, add_special_tokens=False).ids
    start = tokenizer.encode(before, add_special_tokens=False).ids[-1]
    assert len({start, *numbers}) == len(numbers) + 1, "a token occurs twice"
    size = tokenizer.get_vocab_size()
    width = -(-size // (2 * HEADS)) * 2 * HEADS
    spec = _empty(size, width)
    spec.decoder.embeddings.weight = np.eye(size, width, dtype=np.float32)
    chain = [start, *numbers, numbers[0]]
    for number, following in zip(chain, chain[1:], strict=False):
        spec.decoder.projection.weight[following, number] = 1.0
    return _saved(spec, folder, tokenizer)


def rambling(folder: Path, tokenizer: Tokenizer, seed: int) -> Path:
    """A model of random weights: what it says makes no sense, and hangs on every token before."""
    random = np.random.default_rng(seed)
    size, width = tokenizer.get_vocab_size(), 32
    spec = _empty(size, width)
    layer = spec.decoder.layer[0]
    for part in (
        spec.decoder.embeddings,
        spec.decoder.projection,
        *layer.self_attention.linear,
        layer.ffn.linear_0,
        layer.ffn.linear_1,
    ):
        part.weight = random.normal(0, 0.6, part.weight.shape).astype(np.float32)
    return _saved(spec, folder, tokenizer)


def _empty(size: int, width: int) -> TransformerDecoderModelSpec:
    """A transformer of one layer that does nothing yet."""
    spec = TransformerDecoderModelSpec.from_config(1, HEADS, rms_norm=True, rotary_dim=0)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = np.zeros((size, width), dtype=np.float32)
    layer = decoder.layer[0]
    for norm in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
        norm.gamma = np.ones(width, dtype=np.float32)

    def linear(part: common_spec.LinearSpec, rows: int, columns: int) -> None:
        part.weight = np.zeros((rows, columns), dtype=np.float32)
        part.bias = np.zeros(rows, dtype=np.float32)

    linear(layer.self_attention.linear[0], 3 * width, width)
    linear(layer.self_attention.linear[1], width, width)
    linear(layer.ffn.linear_0, INNER, width)
    linear(layer.ffn.linear_1, width, INNER)
    linear(decoder.projection, size, width)
    return spec


def _saved(spec: TransformerDecoderModelSpec, folder: Path, tokenizer: Tokenizer) -> Path:
    spec.config.bos_token = "<bos>"
    spec.config.eos_token = "<eos>"
    spec.config.unk_token = "<eos>"
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    spec.register_vocabulary(tokens)
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
