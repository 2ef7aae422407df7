"""Citizens' reports on the map."""
