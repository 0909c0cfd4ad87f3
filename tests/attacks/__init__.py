"""What strangers and insiders try, each attack by its own name: none of them may get more than an answer."""
