"""The vocabulary every room shares: alerts in CAP's words, posts, areas, errors and the ports."""
