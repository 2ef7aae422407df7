"""CAP 1.2: indexes of messages, the messages, and what their senders do to them."""
