"""What controller, gateway and collector hold of many and heavy things."""
