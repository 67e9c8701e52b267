"""How what all tenants share is divided between them: who asks for much waits behind his own."""
