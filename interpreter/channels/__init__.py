"""How people reach a conversation: the messages, and one module per way in."""
