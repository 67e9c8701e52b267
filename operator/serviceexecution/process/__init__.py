"""What every process of ours starts with: settings from the environment, and logs."""
