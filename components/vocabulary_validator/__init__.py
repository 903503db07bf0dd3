"""How much of the judging data the vocabularies cover."""
