"""Plasticity rules: one a file, each a set of drives and one function of one synapse."""

from sodachi.rules.adam import with_adam as with_adam
from sodachi.rules.decay import with_decay as with_decay
from sodachi.rules.delta import delta as delta
from sodachi.rules.following import instar as instar
from sodachi.rules.following import outstar as outstar
