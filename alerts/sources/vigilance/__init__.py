"""Météo-France's Vigilance, by its own interface: `bulletin` reads it, `warning` decides and words, `source` asks."""
