"""Executions and builds while processes, network and store fail at random: ``make chaos``."""
