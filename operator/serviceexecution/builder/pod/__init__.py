"""What surrounds a build in its pod: places, programs, log, gateway, certificates, proxies, the cache volume."""
