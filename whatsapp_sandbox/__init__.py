"""The WhatsApp sandbox: a chat page and a stand-in for Meta's Graph API. It imports nothing from the application."""
