"""How Tombola comes to AWS: the rest of the stack beside Chalice's template, and the commands that deploy it."""
