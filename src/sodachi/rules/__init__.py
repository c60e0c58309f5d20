"""Plasticity rules: one a file, each a set of drives and one function of one synapse.

Wrappers (``with_...``) act from the inside out: first the step size (`with_adam` takes the place of
a rule's own step), then `with_decay`, `with_scaling`, `with_annealing`, at last `with_bounds`.
"""

from sodachi.rules.adagrad import with_adagrad as with_adagrad
from sodachi.rules.adam import with_adam as with_adam
from sodachi.rules.annealing import with_annealing as with_annealing
from sodachi.rules.autostep import autostep as autostep
from sodachi.rules.bcm import bcm as bcm
from sodachi.rules.bcm import slide_threshold as slide_threshold
from sodachi.rules.bounds import with_bounds as with_bounds
from sodachi.rules.centred import centred as centred
from sodachi.rules.contrastive import contrastive as contrastive
from sodachi.rules.counting import counting as counting
from sodachi.rules.decay import with_decay as with_decay
from sodachi.rules.delta import delta as delta
from sodachi.rules.depression import depression as depression
from sodachi.rules.following import instar as instar
from sodachi.rules.following import outstar as outstar
from sodachi.rules.generalised import generalised as generalised
from sodachi.rules.hebb import hebb as hebb
from sodachi.rules.idbd import idbd as idbd
from sodachi.rules.imprinting import imprinting as imprinting
from sodachi.rules.inheriting import inheriting as inheriting
from sodachi.rules.meeting import meeting as meeting
from sodachi.rules.mirroring import mirroring as mirroring
from sodachi.rules.obgd import obgd as obgd
from sodachi.rules.oja import oja as oja
from sodachi.rules.scaling import with_scaling as with_scaling
from sodachi.rules.stdp import modulated_stdp as modulated_stdp
from sodachi.rules.stdp import stdp as stdp
from sodachi.rules.swift import swift as swift
from sodachi.rules.timed_counting import timed_counting as timed_counting
