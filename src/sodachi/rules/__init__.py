"""Plasticity rules: one a file, each a set of drives and one function of one synapse."""
