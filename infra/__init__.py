"""Deployment to AWS: the resources that are merged into Chalice's template, and the commands that deploy them."""
