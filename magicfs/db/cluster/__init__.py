"""Hosts, their certificates and heartbeats, and their roots."""
