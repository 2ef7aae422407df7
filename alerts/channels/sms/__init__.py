"""SMS: a provider's list of telephones, and subscribers of the town's own."""
