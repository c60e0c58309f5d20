"""Names that may change without notice: networks that prove the protocol and are still small.

The Boltzmann machine, spiking cells, the growing grid and the canonical network pass every check
of conformance and theory, but their factories' arguments are not settled yet.
"""

from sodachi.models.boltzmann import boltzmann_machine as boltzmann_machine
from sodachi.models.canonical import canonical_network as canonical_network
from sodachi.models.growing import growing_grid as growing_grid
from sodachi.models.spiking import spiking_pair as spiking_pair
