"""Alerts and a dashboard for Prometheus and Grafana, made from the metrics that there are."""
