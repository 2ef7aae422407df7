"""What citizens report on the map."""
