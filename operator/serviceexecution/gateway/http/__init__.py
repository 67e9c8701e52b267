"""What every route needs: problems, byte ranges, request logs, short-lived caches."""
