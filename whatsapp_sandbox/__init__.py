"""The WhatsApp sandbox: a phone page and a stand-in for the Graph API. It imports nothing of the product."""
