"""Learns the parts of locoloop for a model: score, budgets, corrections, fused slots. See README.md."""
