"""The launcher of development clusters: `python -m cluster <command>`, normally through `make`."""
