"""The phone: a chat page, a stand-in for Meta's Graph API, and the signed webhooks between them and the product."""
