"""Systems ready to live: each module is one kind of network, each factory returns a System."""
