"""How quick a model is here: rounds in fresh processes, two settings held against each other, and what was before."""
