"""Bytes from strangers become structures here, or are refused; nothing is trusted."""
