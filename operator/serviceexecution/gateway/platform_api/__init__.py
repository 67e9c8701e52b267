"""The platform's API: what its packages call beside each service's own address, for one namespace."""
