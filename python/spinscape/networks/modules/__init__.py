"""Landscapes of any torch module and any loss."""
