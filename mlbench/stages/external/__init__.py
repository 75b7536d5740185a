"""Somebody's own program as a tenant: started, watched and ended, its steps as queries."""
