"""The OpenID Provider and the shared domain of CamDigiKey."""
