"""HTTP for every route: connections, bodies, answers that are files, and errors as problems."""
