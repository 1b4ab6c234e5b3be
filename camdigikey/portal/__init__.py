"""A demonstration portal: Online Business Registration, made with sdk_web."""

from camdigikey.portal.app import create_portal

__all__ = ["create_portal"]
