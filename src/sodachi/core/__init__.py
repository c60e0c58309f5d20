"""The mechanisms that every system is made of: connections, energy, relaxation, rules, audit."""
