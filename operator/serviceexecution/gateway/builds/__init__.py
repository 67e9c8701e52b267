"""What the pods of builds call, and the logs of builds for people."""
