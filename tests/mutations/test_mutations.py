"""A rule with one wrong sign or one lost factor turns its theory test red.

Each row changes one place of the source in a temporary copy and runs one test against it in a
process of its own. Some rows always run; the others are slow. That every named test passes as the
source is, the suite itself shows; the copy is tried with those that always run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src", "sodachi")


class Mutation(NamedTuple):
    """One change of the source, and the test that must notice it."""

    file: str
    old: str
    new: str
    test: str

    def __str__(self):
        return f"{self.file}: {self.old} > {self.new}"


HEBBIAN = "tests/rules/test_hebbian.py::test_"
FOLLOWING = "tests/rules/test_following.py::test_"
WRAPPERS = "tests/rules/test_wrappers.py::test_"
ERROR_DRIVEN = "tests/rules/test_error_driven.py::test_"
ADAM = "tests/rules/test_adam.py::test_"
AUTOSTEP = "tests/rules/test_autostep.py::test_"
SWIFT = "tests/models/test_swift_td.py::test_"
OBGD = "tests/rules/test_obgd.py::test_"
IDBD = "tests/rules/test_idbd.py::test_"
CONTINUAL = "tests/models/test_continual.py::test_"
RULE = "tests/core/test_rule.py::test_"
EMERGENCE = "tests/models/test_emergence.py::test_"
TRUST = "tests/models/test_trust.py::test_"
CONTEXTS = "tests/models/test_contexts.py::test_"
NAMING = "tests/models/test_naming.py::test_"
BOLTZMANN = "tests/models/test_boltzmann.py::test_"
DYNAMIC = "tests/models/test_dynamic_boltzmann.py::test_"
ADAGRAD = "tests/rules/test_adagrad.py::test_"
LAYERED = "tests/models/test_deep_boltzmann.py::test_"
LAYERED_LIKELIHOOD = "tests/models/test_deep_boltzmann_likelihood.py::test_"
LAYERED_LABELS = "tests/models/test_deep_boltzmann_labels.py::test_"
CHAIN = "tests/models/test_denoising_chain.py::test_"
CONDITIONAL = "tests/models/test_deep_boltzmann_conditional.py::test_"
MIXING = "tests/models/test_boltzmann_mixing.py::test_"
SAMPLING = "tests/models/test_boltzmann_sampling.py::test_"
LIKELIHOOD = "tests/models/test_boltzmann_likelihood.py::test_"
CANONICAL = "tests/models/test_canonical.py::test_"
SPIKING = "tests/models/test_spiking.py::test_"
TIMED = "tests/rules/test_timed_counting.py::test_"
MEMBRANES = "tests/neurons/test_membranes.py::test_"
CANONICAL_CELLS = "tests/neurons/test_canonical_cells.py::test_"
TURING = "tests/models/test_turing.py::test_"
TAPE = "tests/worlds/test_tape.py::test_"
ENERGY = "tests/models/test_canonical_energy.py::test_"
POMDP = "tests/models/test_pomdp.py::test_"
MECHANICS = "tests/models/test_mechanics.py::test_"

ALWAYS = (
    # A flipped sign, a dropped factor, a forgotten decay.
    Mutation(
        "models/sweep_plan.py",
        "else backward(c.connection, w, signal)",
        "else -backward(c.connection, w, signal)",
        LAYERED + "what_a_layer_hears_is_the_difference_its_unit_makes_to_the_energy",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "(told * p[c], x)",
        "(told, x)",
        LAYERED_LABELS + "letting_the_label_go_is_the_slope_of_its_log_probability",
    ),
    Mutation(
        "models/deep_boltzmann_labels.py",
        "log = parameters.bias[label] + ",
        "log = ",
        LAYERED_LABELS + "the_label_is_believed_as_enumeration_says",
    ),
    Mutation(
        "models/annealed_importance.py",
        "total = (before - after) *",
        "total = (after - before) *",
        LAYERED_LIKELIHOOD + "many_steps_close_the_bracket",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "(penalty, {n: x.mean(-1)",
        "(-penalty, {n: x.mean(-1)",
        MIXING + "what_is_unlearnt_is_the_covariance_of_dreams",
    ),
    Mutation(
        "models/sharding.py",
        "jax.random.fold_in, key))(numbers)",
        "jax.random.fold_in, key))(numbers // 2)",
        "tests/models/test_sharding.py::test_no_bit_of_an_ising_graph_depends_on_how_many_devices_"
        "there_are",
    ),
    Mutation(
        "models/denoising_chain.py",
        "(2 * after - 1) * jnp.log((1",
        "(1 - 2 * after) * jnp.log((1",
        CHAIN + "every_step_back_is_drawn_as_enumeration_says",
    ),
    Mutation(
        "models/boltzmann_answering.py",
        "dreamt[top.name] + s.reach",
        "dreamt[top.name] - s.reach",
        CONDITIONAL + "leading_the_answer_moves_it_toward_the_truth_against_its_stiffness",
    ),
    Mutation(
        "models/variational_bound.py",
        "0.5 * (jnp.log(2 * jnp.pi) + spread)",
        "0.5 * (jnp.log(2 * jnp.pi) - spread)",
        LAYERED_LIKELIHOOD + "the_bound_of_a_machine_without_couplings_is_its_likelihood",
    ),
    Mutation(
        "rules/delta.py",
        "lambda w, s, d, context: d[0]",
        "lambda w, s, d, context: -d[0]",
        ERROR_DRIVEN + "delta_is_minus_the_gradient_of_half_the_squared_error",
    ),
    Mutation(
        "rules/bcm.py",
        'y * (y - post["threshold"])',
        'y - post["threshold"]',
        HEBBIAN + "bcm_becomes_selective_and_its_threshold_is_the_mean_square",
    ),
    Mutation(
        "rules/meeting.py",
        "toward - w * gain",
        "toward + w * gain",
        EMERGENCE + "a_synapse_is_the_mean_of_its_own_meetings",
    ),
    Mutation(
        "models/emergence.py",
        "off / (1.0 + wide)",
        "off",
        EMERGENCE + "the_doubt_is_the_ratio_of_two_predictive_densities",
    ),
    Mutation(
        "rules/decay.py",
        "new = new - l2 * w",
        "new = new",
        WRAPPERS + "l2_multiplies_by_one_minus_its_strength",
    ),
)

SLOW = (
    # Whether this is another world.
    Mutation(
        "models/contexts.py",
        "_deviation(row) - 1.0",
        "_deviation(row) - 0.5",
        CONTEXTS + "evidence_adds_up_as_a_cumulative_sum",
    ),
    Mutation(
        "models/contexts.py",
        "- cost(whole, broad)",
        "+ cost(whole, broad)",
        CONTEXTS + "the_energy_is_what_knowing_which_input_is_which_is_worth",
    ),
    # Whose fault it was, and what a label means.
    Mutation(
        "models/naming.py",
        "view + SMOOTH * weight",
        "view - SMOOTH * weight",
        NAMING + "belief_is_bayes_over_smoothed_energies_with_the_blank_as_a_rival",
    ),
    Mutation(
        "models/trust.py",
        "(cost <= NEAR * cells",
        "(cost >= NEAR * cells",
        TRUST + "what_is_right_and_near_is_trusted",
    ),
    Mutation(
        "models/trust.py",
        "(right - asked * cells",
        "(right + asked * cells",
        TRUST + "a_record_is_the_mean_of_what_was_news",
    ),
    Mutation(
        "rules/hebb.py",
        'Drive(post["activity"], pre["activity"])',
        'Drive(None, pre["activity"])',
        HEBBIAN + "hebb_is_the_sum_of_outer_products",
    ),
    Mutation(
        "rules/oja.py",
        "Drive(y**2)",
        "Drive(y)",
        HEBBIAN + "oja_is_the_mean_of_its_samples",
    ),
    Mutation(
        "rules/oja.py",
        "Drive(y**2)",
        "Drive(0.5 * y**2)",
        HEBBIAN + "oja_finds_the_first_principal_component",
    ),
    Mutation(
        "rules/bcm.py",
        "rate * (power - threshold)",
        "rate * power",
        HEBBIAN + "threshold_is_the_running_mean_square_of_the_lanes_that_learn",
    ),
    Mutation(
        "rules/following.py",
        "return d[0] - w * d[1]",
        "return d[0] + w * d[1]",
        FOLLOWING + "instar_of_gain_one_imprints_and_of_gain_zero_keeps_every_bit",
    ),
    Mutation(
        "rules/following.py",
        'Drive(post["gain"], pre["share"])',
        'Drive(post["gain"])',
        FOLLOWING + "instar_follows_by_the_share_of_evidence",
    ),
    Mutation(
        "rules/following.py",
        'Drive(post["share"], pre["gain"])',
        'Drive(post["share"])',
        FOLLOWING + "outstar_relaxes_geometrically_to_the_mean_target",
    ),
    Mutation(
        "rules/decay.py",
        'initial * (w - s["start"])',
        "initial * w",
        WRAPPERS + "decay_to_initial_weights_relaxes_geometrically",
    ),
    Mutation(
        "rules/decay.py",
        "jnp.maximum(size - pull, 0.0)",
        "(size - pull)",
        WRAPPERS + "l1_shrinks_by_steps_and_stops_at_zero",
    ),
    Mutation(
        "rules/decay.py",
        "lp * p * (size",
        "lp * (size",
        WRAPPERS + "lp_is_the_gradient_of_its_penalty_and_safe_at_zero",
    ),
    Mutation(
        "rules/adam.py",
        "mean = first / (1 - first_decay**t)",
        "mean = first",
        ADAM + "adam_is_optax_adam_step_for_step",
    ),
    Mutation(
        "rules/adam.py",
        "(1 - second_decay) * dw**2",
        "(1 - second_decay) * dw",
        ADAM + "adam_with_decay_to_initial_weights_is_decoupled",
    ),
    Mutation(
        "rules/bounds.py",
        "jnp.clip(new, low, high)",
        "jnp.clip(new, low)",
        WRAPPERS + "bounds_clip_the_step_and_nothing_else",
    ),
    Mutation(
        "rules/scaling.py",
        "return jnp.abs(w)",
        "return w",
        WRAPPERS + "scaling_converges_to_the_total_and_keeps_proportions",
    ),
    Mutation(
        "rules/scaling.py",
        "** rate, 1.0)",
        "** -rate, 1.0)",
        WRAPPERS + "scaling_converges_to_the_total_and_keeps_proportions",
    ),
    Mutation(
        "rules/contrastive.py",
        "Drive(-post[n], pre[n]",
        "Drive(post[n], pre[n]",
        BOLTZMANN + "expected_drive_is_the_gradient_of_the_log_likelihood",
    ),
    Mutation(
        "rules/contrastive.py",
        'd[0] - d[1] * s["dreamt"], 0.0',
        'd[0] - s["dreamt"], 0.0',
        BOLTZMANN + "local_dreams_learn_a_share_of_the_gradient_by_enumeration",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "return {n: -h for",
        "return {n: h for",
        BOLTZMANN + "expected_drive_is_the_gradient_of_the_log_likelihood",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "with_adam(rule, rate) if s.optimiser",
        "with_adam(rule, 2 * rate) if s.optimiser",
        BOLTZMANN + "adam_steps_by_the_rate_in_the_direction_of_the_plain_rule",
    ),
    Mutation(
        "models/denoising_chain.py",
        "Evidence(trail[:-1], jnp.full_like",
        "Evidence(trail[1:], jnp.full_like",
        CHAIN + "every_step_learns_the_slope_of_its_way_back",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "- x * (heard - bias))",
        "+ x * (heard - bias))",
        BOLTZMANN + "every_kind_learns_the_gradient_of_the_exact_log_likelihood",
    ),
    Mutation(
        "models/boltzmann_learning.py",
        "(s.sparse - offset[u.name])",
        "(offset[u.name] - s.sparse)",
        BOLTZMANN + "a_target_of_sparse_activity_is_approached",
    ),
    Mutation(
        "models/boltzmann_units.py",
        "odds = 2.0 * (field + pull)",
        "odds = (field + pull)",
        SAMPLING + "a_sweep_leaves_the_law_as_it_is",
    ),
    Mutation(
        "models/boltzmann_units.py",
        "jnp.sqrt(temperature / stiff)",
        "jnp.sqrt(1.0 / stiff)",
        SAMPLING + "gaussian_units_have_the_moments_of_the_integral",
    ),
    Mutation(
        "models/visiting.py",
        "heard + row * (new - x[i])",
        "heard + row * new",
        SAMPLING + "a_sweep_leaves_the_law_as_it_is",
    ),
    Mutation(
        "models/tempering.py",
        "(cold[:-1] - cold[1:]) * (E[:-1] - E[1:])",
        "(cold[:-1] - cold[1:]) * (E[1:] - E[:-1])",
        SAMPLING + "exchanges_leave_each_temperature_its_law",
    ),
    Mutation(
        "models/annealed_importance.py",
        "else start - found",
        "else start + found",
        LIKELIHOOD + "annealing_from_both_ends_holds_the_exact_value",
    ),
    Mutation(
        "models/simulated_annealing.py",
        '"spins-spins": -jnp',
        '"spins-spins": jnp',
        "tests/claims/test_max_cut.py::test_the_largest_cut_of_a_small_graph_is_found",
    ),
    Mutation(
        "rules/counting.py",
        'added = dw + s["carry"]',
        "added = dw",
        CANONICAL + "large_counts_lose_nothing",
    ),
    Mutation(
        "rules/counting.py",
        'forgetting * (s["prior"] - w)',
        'forgetting * (w - s["prior"])',
        POMDP + "forgetting_falls_back_to_the_prior_and_remembers_about_one_over_f_ticks",
    ),
    Mutation(
        "models/beliefs.py",
        "log(off) - log(on + off)",
        "0.0 * off",
        ENERGY + "the_energy_put_out_is_this_one_and_its_thresholds_are_tied_to_the_synapses",
    ),
    Mutation(
        "models/canonical_step.py",
        'modulation["policy"] * one, modulation["policy"] * zero',
        "one, zero",
        ENERGY + "states_and_actions_move_down_the_gradient_of_the_energy",
    ),
    Mutation(
        "models/canonical_step.py",
        "off = what.known * (1.0 - what.value)",
        "off = what.known * what.value",
        ENERGY + "counting_descends_the_gradient_in_every_synapse",
    ),
    Mutation(
        "models/canonical_step.py",
        "jnp.where(observation.first, 0.0, p.known)",
        "p.known",
        POMDP + "the_first_tick_of_an_episode_knows_no_past",
    ),
    Mutation(
        "models/canonical_step.py",
        "{name: kept[0] for",
        "{name: kept[-1] for",
        POMDP + "a_decision_is_judged_later_by_its_own_risk",
    ),
    Mutation(
        "models/canonical_step.py",
        "log(off[0]) - log(total[factors.binary])",
        "log(off[0]) + log(total[factors.binary])",
        POMDP + "the_networks_cost_is_the_free_energy_of_the_pomdp",
    ),
    Mutation(
        "models/canonical_energy.py",
        "worth = 1.0 - 2.0 * risk",
        "worth = 1.0 - risk",
        ENERGY + "the_energy_put_out_is_this_one_and_its_thresholds_are_tied_to_the_synapses",
    ),
    Mutation(
        "models/factors.py",
        "left * lifted",
        "lifted",
        POMDP + "cells_that_are_held_leave_the_rest_to_the_others",
    ),
    Mutation(
        "models/fokker_planck.py",
        "speed * bernoulli(-climb)",
        "speed * bernoulli(climb)",
        MECHANICS + "the_equation_keeps_mass_and_sign_and_lowers_the_helmholtz_energy",
    ),
    Mutation(
        "models/complete_class.py",
        "expit(odds - silence)",
        "expit(odds + silence)",
        MECHANICS + "any_thresholds_are_a_prior",
    ),
    Mutation(
        "rules/stdp.py",
        "after_post - depression * d[1]",
        "after_post + depression * d[1]",
        SPIKING + "window_of_single_pairs",
    ),
    Mutation(
        "rules/stdp.py",
        "eligibility_decay * s[",
        "s[",
        SPIKING + "a_later_reward_turns_the_eligibility_into_weight",
    ),
    Mutation(
        "rules/autostep.py",
        's["step"] * jnp.exp(meta_rate',
        's["step"] * jnp.exp(-meta_rate',
        AUTOSTEP + "autostep_is_the_table_of_its_paper",
    ),
    Mutation(
        "rules/swift.py",
        "Drive(-post[",
        "Drive(post[",
        SWIFT + "swift_td_is_its_papers_pseudocode",
    ),
    Mutation(
        "rules/obgd.py",
        "rate * kappa * reach",
        "kappa * reach",
        OBGD + "obgd_is_the_formula_of_its_paper",
    ),
    Mutation(
        "rules/idbd.py",
        "1.0 - step * curvature",
        "1.0 - curvature",
        IDBD + "idbd_is_the_table_of_its_paper",
    ),
    Mutation(
        "rules/inheriting.py",
        "given = answer / jnp.where(fresh, newborn, 1.0)",
        "given = jnp.zeros_like(answer)",
        "tests/rules/test_inheriting.py::test_"
        "the_newborn_takes_the_answer_and_others_learn_as_without_it",
    ),
    Mutation(
        "models/acting_step.py",
        '{"value": jnp.ones(1), "action": surplus}',
        '{"value": jnp.ones(1), "action": -surplus}',
        "tests/models/test_acting.py::test_values_and_preferences_move_by_the_three_factors",
    ),
    Mutation(
        "rules/imprinting.py",
        "given = jnp.where(born > 0, imprint / jnp.where(born > 0, born, 1.0), 0.0)",
        "given = imprint",
        AUTOSTEP + "the_newborn_take_their_imprint_the_cut_are_nothing_the_others_learn_on",
    ),
    Mutation(
        "rules/annealing.py",
        "jnp.maximum(1.0 - context.clock / ticks, 0.0)",
        "1.0 - context.clock / ticks",
        WRAPPERS + "annealed_steps_add_up_to_half_the_ticks_and_then_stop",
    ),
    Mutation(
        "rules/centred.py",
        'Drive(-post["opposed error"]',
        'Drive(post["opposed error"]',
        ERROR_DRIVEN + "centred_is_the_central_difference_of_the_energy_in_the_weights",
    ),
    Mutation(
        "rules/generalised.py",
        "return sum(d)",
        "return d[0]",
        ERROR_DRIVEN + "generalised_is_minus_the_gradient_summed_over_orders_of_motion",
    ),
    Mutation(
        "rules/mirroring.py",
        "lambda w, s, d, context: d[0] - w",
        "lambda w, s, d, context: d[0]",
        ERROR_DRIVEN + "mirroring_is_the_running_mean_and_then_a_slow_average",
    ),
    Mutation(
        "core/rule.py",
        "gate = jnp.where(learn, modulation, 0.0)",
        "gate = jnp.where(learn, 1.0, 0.0)",
        RULE + "modulation_multiplies_with_its_sign",
    ),
    Mutation(
        "core/rule.py",
        "count = jnp.maximum(lanes.sum(), 1)",
        "count = jnp.maximum(lanes.size, 1)",
        RULE + "a_lane_that_does_not_learn_adds_nothing_whatever_stands_in_it",
    ),
    Mutation(
        "core/rule.py",
        "fine = learning\n",
        "fine = True\n",
        RULE + "without_learning_no_bit_moves",
    ),
    Mutation(
        "models/continual_remedies.py",
        "return 2.0 * free",
        "return free",
        CONTINUAL + "all_remedies_together_follow_their_order",
    ),
    Mutation(
        "models/continual_remedies.py",
        "activity - usual / begun",
        "activity - usual",
        CONTINUAL + "all_remedies_together_follow_their_order",
    ),
    Mutation(
        "models/continual_remedies.py",
        "{above: weights[above] + left}",
        "{above: weights[above]}",
        CONTINUAL + "all_remedies_together_follow_their_order",
    ),
    Mutation(
        "models/continual_remedies.py",
        "jnp.maximum(power[i][..., None], power[i + 1])",
        "jnp.minimum(power[i][..., None], power[i + 1])",
        CONTINUAL + "a_renewed_synapse_has_moments_of_its_own_age",
    ),
    Mutation(
        "core/rule.py",
        "fine = fine & jnp.isfinite(leaf)",
        "fine = fine & True",
        RULE + "a_bad_drive_leaves_its_synapses_alone_and_moves_the_others",
    ),
    # From membrane to canon, and the window of two counts.
    Mutation(
        "rules/timed_counting.py",
        's["home"] + together + alone',
        's["home"] + together',
        TIMED + "one_pair_of_spikes_is_one_count",
    ),
    Mutation(
        "rules/timed_counting.py",
        's["home"] + together + alone',
        's["home"] + alone',
        TIMED + "with_whole_spikes_it_is_the_networks_own_counting",
    ),
    Mutation(
        "rules/timed_counting.py",
        "jnp.log(hebb) - jnp.log(home - hebb)",
        "jnp.log(hebb) - jnp.log(home)",
        TIMED + "one_pair_of_spikes_is_one_count",
    ),
    Mutation(
        "neurons/hodgkin_huxley.py",
        'moved["m"] ** 3',
        'moved["m"] ** 2',
        MEMBRANES + "rates_are_those_of_the_literature_and_of_the_oracle",
    ),
    Mutation(
        "neurons/hodgkin_huxley.py",
        "0.125 * jnp.exp(-v / 80)",
        "0.125 * jnp.exp(v / 80)",
        MEMBRANES + "rates_are_those_of_the_literature_and_of_the_oracle",
    ),
    Mutation(
        "neurons/reduced.py",
        "HIGH - SLOPE * n",
        "HIGH + SLOPE * n",
        MEMBRANES + "rates_are_those_of_the_literature_and_of_the_oracle",
    ),
    Mutation(
        "neurons/reduced.py",
        "v - v**3 / 3 - w + current",
        "v - v**3 / 3 + w + current",
        MEMBRANES + "fitzhughs_cell_oscillates_exactly_where_its_rest_is_unstable",
    ),
    Mutation(
        "neurons/population.py",
        "(1.0 - kept**2) ** 0.5 * fresh",
        "(1.0 - kept**2) * fresh",
        MEMBRANES + "a_populations_slow_current_and_noise_are_the_closed_forms",
    ),
    Mutation(
        "neurons/canonical.py",
        "4.0 * self.tau_ms * jnp.maximum(x * (1.0 - x), 1e-12)",
        "4.0 * self.tau_ms",
        CANONICAL_CELLS + "the_time_course_is_that_of_the_equation",
    ),
    # A network that is a machine.
    Mutation(
        "models/turing.py",
        '("prior_on", K.sum(0)[None]),',
        '("prior_on", -0.999999 * K.sum(0)[None]),',
        TURING + "a_network_is_the_machine_alone_and_among_others",
    ),
    Mutation(
        "models/turing.py",
        "head += MOVES[move]",
        "head -= MOVES[move]",
        TURING + "a_lesson_is_the_machines_own_trace",
    ),
    Mutation(
        "models/turing_programs.py",
        "codes[first] - codes[letter]",
        "codes[first]",
        TURING + "the_universal_machine_runs_a_tag_system_word_by_word",
    ),
    Mutation(
        "worlds/tape.py",
        "wanted = head + right - left",
        "wanted = head + left - right",
        TAPE + "it_writes_then_moves_then_reads",
    ),
    Mutation(
        "worlds/tape.py",
        "jnp.where(jnp.isfinite(told), told, 0.0) > 0.5",
        "jnp.where(jnp.isfinite(told), told, 0.0) > 0.0",
        TAPE + "what_is_not_believed_by_more_than_half_is_not_done",
    ),
    # A series, foreseen: traces, delays and the slope of its likelihood.
    Mutation(
        "rules/depression.py",
        "-(d[0] + d[1])",
        "d[0] + d[1]",
        ADAGRAD + "depression_reads_both_cells",
    ),
    Mutation(
        "rules/depression.py",
        "-(d[0] + d[1])",
        "-d[0]",
        DYNAMIC + "every_binary_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "rules/adagrad.py",
        "+ dw**2",
        "+ dw",
        ADAGRAD + "adagrad_is_optax_adagrad_step_for_step",
    ),
    Mutation(
        "models/dynamic_memory.py",
        "[:, None, None] * traces + queue",
        "[:, None, None] * (traces + queue)",
        DYNAMIC + "memory_is_the_sum_of_the_whole_past",
    ),
    Mutation(
        "models/dynamic_memory.py",
        "decay ** np.maximum(left, 0)",
        "decay",
        DYNAMIC + "memory_is_the_sum_of_the_whole_past",
    ),
    Mutation(
        "models/dynamic_memory.py",
        "(1.0 - decay) * x",
        "x",
        DYNAMIC + "traces_are_running_means",
    ),
    Mutation(
        "models/dynamic_boltzmann.py",
        "share(seen) * (x - probability)",
        "share(seen) * (probability - x)",
        DYNAMIC + "every_binary_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "models/dynamic_binary.py",
        "total -= back.sum(0)",
        "total += back.sum(0)",
        DYNAMIC + "every_binary_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "models/dynamic_binary.py",
        '"error": _reach(s, decay) * error',
        '"error": _reach(s, 1.0) * error',
        DYNAMIC + "every_binary_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "models/dynamic_gaussian.py",
        "rest / deviation**2",
        "rest / deviation",
        DYNAMIC + "every_gaussian_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "models/dynamic_gaussian.py",
        "(rest / deviation) ** 2 - 1.0",
        "(rest / deviation) ** 2",
        DYNAMIC + "every_gaussian_rule_is_the_slope_of_the_log_likelihood",
    ),
    Mutation(
        "models/dynamic_gaussian.py",
        "+ s.leak * heard",
        "+ heard",
        DYNAMIC + "every_gaussian_rule_is_the_slope_of_the_log_likelihood",
    ),
)


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the source tree, without what Python compiled."""
    shutil.copytree(
        ROOT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


def mutate(copy: Path, mutation: Mutation) -> None:
    """Change the one place that a mutation names."""
    file = copy / PACKAGE / mutation.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.old!r} stands {text.count(mutation.old)} ×"
    file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")


def run_tests(copy: Path, *tests: str) -> tuple[int, str]:
    """Run tests of this repository on the copied source; return the exit code and the output."""
    source = str(copy / "src")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    # The copy stands before an installed package, and the repository's own source is not put first.
    options = ["-o", f"pythonpath={source}", "--rootdir", str(ROOT)]
    done = subprocess.run(
        [*command, *options, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def assert_noticed(copy: Path, mutation: Mutation) -> None:
    """Assert that the test ran on the mutated copy and failed by its own judgement."""
    mutate(copy, mutation)
    code, output = run_tests(copy, mutation.test)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    # An assertion of the test failed: the mutated source was imported and ran.
    assert re.search(r"^E +(AssertionError|assert )", output, re.MULTILINE), output


def named_tests(mutations) -> list[str]:
    """Return every test of some mutations once."""
    return sorted({mutation.test for mutation in mutations})


@pytest.mark.parametrize("mutation", ALWAYS, ids=str)
def test_a_mutated_rule_turns_its_test_red(copy, mutation):
    assert_noticed(copy, mutation)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", SLOW, ids=str)
def test_every_mutated_rule_turns_its_test_red(copy, mutation):
    assert_noticed(copy, mutation)


def test_the_unchanged_copy_passes(copy):
    code, output = run_tests(copy, *named_tests(ALWAYS))
    assert code == pytest.ExitCode.OK, output


def test_every_rule_has_a_mutation():
    rules = {file.name for file in (ROOT / PACKAGE / "rules").glob("*.py")} - {"__init__.py"}
    mutated = {Path(m.file).name for m in (*ALWAYS, *SLOW) if m.file.startswith("rules/")}
    assert rules == mutated


def test_a_mutation_must_name_exactly_one_place(copy):
    with pytest.raises(AssertionError, match="stands 0 ×"):
        mutate(copy, Mutation("rules/hebb.py", "no such text", "", ""))
