"""Systems ready to live: each module is one kind of network, each factory returns a System."""

from sodachi.models.acting import growing_actor as growing_actor
from sodachi.models.annealed_importance import annealed_importance as annealed_importance
from sodachi.models.annealed_importance import bracket as bracket
from sodachi.models.babbling import babble as babble
from sodachi.models.babbling import babbling as babbling
from sodachi.models.backprop import backprop_net as backprop_net
from sodachi.models.backprop_actor import backprop_actor as backprop_actor
from sodachi.models.backprop_graph import backprop_graph as backprop_graph
from sodachi.models.boltzmann import boltzmann_machine as boltzmann_machine
from sodachi.models.boltzmann import machine_graph as machine_graph
from sodachi.models.boltzmann import machine_parameters as machine_parameters
from sodachi.models.boltzmann_graph import boltzmann_graph as boltzmann_graph
from sodachi.models.boltzmann_values import binarise as binarise
from sodachi.models.canonical import canonical_network as canonical_network
from sodachi.models.continual import continual_net as continual_net
from sodachi.models.decision_process import POMDP as POMDP
from sodachi.models.deep_boltzmann import deep_boltzmann_machine as deep_boltzmann_machine
from sodachi.models.denoising_chain import denoising_chain as denoising_chain
from sodachi.models.dynamic_boltzmann import binary_series as binary_series
from sodachi.models.dynamic_boltzmann import dynamic_boltzmann_machine as dynamic_boltzmann_machine
from sodachi.models.dynamic_gaussian import (
    gaussian_dynamic_boltzmann_machine as gaussian_dynamic_boltzmann_machine,
)
from sodachi.models.enumeration import exact as exact
from sodachi.models.enumeration import log_likelihood as log_likelihood
from sodachi.models.enumeration import log_partition as log_partition
from sodachi.models.gated import gated_net as gated_net
from sodachi.models.growing import growing_grid as growing_grid
from sodachi.models.mixture import settling_mixture as settling_mixture
from sodachi.models.motion import moving_net as moving_net
from sodachi.models.nearest import nearest_neighbour as nearest_neighbour
from sodachi.models.pomdp import as_pomdp as as_pomdp
from sodachi.models.pomdp import from_pomdp as from_pomdp
from sodachi.models.settling import settling_graph as settling_graph
from sodachi.models.settling import settling_net as settling_net
from sodachi.models.sharding import sharded_sweeps as sharded_sweeps
from sodachi.models.simulated_annealing import anneal as anneal
from sodachi.models.simulated_annealing import cut_size as cut_size
from sodachi.models.simulated_annealing import max_cut as max_cut
from sodachi.models.simulated_annealing import qubo as qubo
from sodachi.models.spiking import spiking_pair as spiking_pair
from sodachi.models.sweeping import free_samples as free_samples
from sodachi.models.sweeping import sweeps as sweeps
from sodachi.models.swift_actor import swift_actor as swift_actor
from sodachi.models.swift_td import swift_td as swift_td
from sodachi.models.tempering import tempered_sweeps as tempered_sweeps
from sodachi.models.turing import as_turing as as_turing
from sodachi.models.turing import from_turing as from_turing
from sodachi.models.turing import turing_network as turing_network
from sodachi.models.turing_machine import TuringMachine as TuringMachine
from sodachi.models.variational_bound import variational_bound as variational_bound
from sodachi.models.visiting import random_visits as random_visits
