"""The model and the simulator against transformers' own Llama."""

import unittest

import torch

from training.model import Model
from training.simulate import Simulator
from training.tests.tiny import OPTIONS, model, tokens


def unpaired(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of a query or key projection in the order of transformers, which turns halves instead of neighbours."""
    rows = weight.unflatten(0, (heads, -1))
    return torch.cat((rows[:, 0::2], rows[:, 1::2]), 1).flatten(0, 1)


def reference(model: Model):
    """transformers' model with the same weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    c = model.config
    config = LlamaConfig(
        vocab_size=c.vocab, hidden_size=c.hidden, intermediate_size=c.ffn, num_hidden_layers=c.layers,
        num_attention_heads=c.heads, num_key_value_heads=c.kv_heads, head_dim=c.head_dim, rms_norm_eps=c.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": c.rope_base}, tie_word_embeddings=True,
        max_position_embeddings=c.context,
    )
    state = {"model.embed_tokens.weight": model.embedding, "model.norm.weight": model.norm}
    for index, layer in enumerate(model.layers):
        wide, narrow = c.heads * c.head_dim, c.kv_heads * c.head_dim
        q, k, v = layer.qkv.split([wide, narrow, narrow])
        gate, up = layer.gate_up.chunk(2)
        state |= {
            f"model.layers.{index}.{name}.weight": tensor
            for name, tensor in {
                "self_attn.q_proj": unpaired(q, c.heads),
                "self_attn.k_proj": unpaired(k, c.kv_heads),
                "self_attn.v_proj": v,
                "self_attn.o_proj": layer.output,
                "mlp.gate_proj": gate,
                "mlp.up_proj": up,
                "mlp.down_proj": layer.down,
                "input_layernorm": layer.attention_norm,
                "post_attention_layernorm": layer.ffn_norm,
            }.items()
        }
    made = LlamaForCausalLM(config)
    missing, unexpected = made.load_state_dict(state, strict=False)
    if unexpected or set(missing) - {"lm_head.weight"}:
        raise ValueError(f"Cannot fill the reference model: {missing}, {unexpected}")
    made.tie_weights()
    return made.eval()


class OracleTest(unittest.TestCase):
    def test_the_simulator_with_nothing_evicted_gives_the_logits_of_transformers(self) -> None:
        tiny, ids = model(), tokens(2, 50)
        with torch.no_grad():
            expected = reference(tiny)(ids).logits
            simulator = Simulator(tiny, None, OPTIONS, 2)
            pieces = [simulator.read(ids[:, i : i + OPTIONS.block]) for i in range(0, 50, OPTIONS.block)]
            found = tiny.logits(torch.cat(pieces, 1))
        self.assertLess((found - expected).abs().max().item(), 1e-3)


if __name__ == "__main__":
    unittest.main()
