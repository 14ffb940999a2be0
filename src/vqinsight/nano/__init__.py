"""How the embedded models are made; nothing else imports it."""
