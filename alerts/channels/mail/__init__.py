"""E-mail: each post as one letter to a list, by the relay that sends the town's mail."""
