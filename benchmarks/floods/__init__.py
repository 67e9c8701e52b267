"""Floods with a witness: one namespace attacks each shared budget while another works, on the installed operator."""
