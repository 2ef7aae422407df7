"""All of Tocsin on one machine, for a first look: stand-ins of the platforms, sample feeds, and the daemon itself."""
