"""Files of data pools on volumes, through the pod that serves the volume."""
