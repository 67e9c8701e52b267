"""The program of a Python project's container: starts the project's own library, and says what went wrong.

Runs in users' images, on the Python and with the packages that they chose: the standard library, and
``qhub.commons`` or ``planqk.commons`` when the project's environment has them, imported late.
"""
