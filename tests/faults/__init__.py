"""The whole operator in one process, killed before and after every single write; ``make faults`` runs all of it."""
