"""What lists of the platform's API cost a gateway that knows a hundred thousand executions."""
