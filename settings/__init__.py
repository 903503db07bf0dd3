"""How settings are declared, checked, read from texts and files, and told."""
